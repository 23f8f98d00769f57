//! Tests of [`super`], over loopback: who has our seed is heard, and nobody else.

use tokio::net::TcpListener;

use super::*;

fn key(seed: u8) -> SealKey {
    SealKey::from_seed(&[seed; 32])
}

/// One director that answers with [`Answer::Done`]; what became of it.
async fn answering(listener: TcpListener, key: SealKey) -> Result<Question, WireError> {
    let (mut stream, _) = listener.accept().await?;
    let (question, meeting) = hear(&mut stream, &key).await?;
    reply(&mut stream, &key, &meeting, &Answer::Done(vec!["slowly".to_owned()])).await?;
    Ok(question)
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_question_and_its_answer() {
    let (listener, address) = listen().await;
    let (ours, theirs) = (key(1), key(1));
    let (heard, answer) =
        tokio::join!(answering(listener, theirs), ask(address, &ours, &Question::Summary));
    assert_eq!(heard.unwrap(), Question::Summary);
    assert_eq!(answer.unwrap(), Answer::Done(vec!["slowly".to_owned()]));
}

#[tokio::test]
async fn with_another_seed_nothing_is_answered() {
    let (listener, address) = listen().await;
    let (ours, theirs) = (key(1), key(2));
    let (heard, answer) =
        tokio::join!(answering(listener, theirs), ask(address, &ours, &Question::Summary));
    assert!(matches!(heard, Err(WireError::Seed)), "{heard:?}");
    assert!(matches!(answer, Err(WireError::HungUp)), "{answer:?}");
}

#[tokio::test]
async fn an_answer_from_before_is_none() {
    // Whoever has seen one meeting sends the other its answer again.
    let (listener, address) = listen().await;
    let key = key(1);
    let replayed = async {
        let (mut stream, _) = listener.accept().await?;
        let (_, mut meeting) = hear(&mut stream, &key).await?;
        meeting.nonce = [0; NONCE];
        reply(&mut stream, &key, &meeting, &Answer::Done(Vec::new())).await
    };
    let (replayed, answer) = tokio::join!(replayed, ask(address, &key, &Question::Summary));
    replayed.unwrap();
    assert!(matches!(answer, Err(WireError::Seed)), "{answer:?}");
}

#[tokio::test]
async fn strangers_cost_little() {
    for (sent, words) in [
        (&b""[..], "hung up"),
        (&[0; NONCE][..], "hung up"),
        (&[0xff; NONCE + 4][..], "a message of 4294967295 bytes"),
        (&[0; NONCE + 4 + TAG][..], "another seed"),
    ] {
        let (listener, address) = listen().await;
        let stranger = async {
            let mut stream = TcpStream::connect(address).await?;
            stream.read_exact(&mut [0; NONCE]).await?;
            stream.write_all(sent).await?;
            stream.shutdown().await
        };
        let (heard, stranger) = tokio::join!(answering(listener, key(1)), stranger);
        stranger.unwrap();
        let error = heard.unwrap_err().to_string();
        assert!(error.contains(words), "{sent:?}: {error}");
    }
}
