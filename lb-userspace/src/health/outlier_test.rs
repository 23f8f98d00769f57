//! Which errors count, and how many servers may be out.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};

use super::{
    Observation::{ConnectFailed, Connected, NoResponse, Response},
    *,
};

const SECOND: Duration = Duration::from_secs(1);

fn settings(observe: Observe, limit: u32, on_error: OnError) -> OutlierSettings {
    let error_limit = NonZeroU32::new(limit).unwrap();
    OutlierSettings { observe, error_limit, on_error, ..OutlierSettings::default() }
}

#[test]
fn which_errors_count() {
    use Observe::{Layer4, Layer7};
    for (observe, observation, expected) in [
        (Layer4, Connected, Some(true)),
        (Layer4, ConnectFailed, Some(false)),
        (Layer4, NoResponse, None),
        (Layer4, Response(503), None),
        (Layer7, Connected, None),
        (Layer7, ConnectFailed, Some(false)),
        (Layer7, NoResponse, Some(false)),
        (Layer7, Response(200), Some(true)),
        (Layer7, Response(404), Some(true)),
        (Layer7, Response(500), Some(false)),
        (Layer7, Response(501), Some(true)),
        (Layer7, Response(503), Some(false)),
        (Layer7, Response(505), Some(true)),
        (Layer7, Response(600), Some(false)),
    ] {
        let judged = settings(observe, 1, OnError::FailCheck).judge(observation);
        assert_eq!(judged, expected, "{observe:?} {observation:?}");
    }
}

#[test]
fn only_errors_in_a_row() {
    for (on_error, action) in [
        (OnError::FastCheck, OutlierAction::CheckNow),
        (OnError::FailCheck, OutlierAction::FailCheck),
        (OnError::SuddenDeath, OutlierAction::Condemn),
        (OnError::MarkDown, OutlierAction::Eject { time: SECOND * 30 }),
    ] {
        let mut outliers = Outliers::new(settings(Observe::Layer7, 3, on_error));
        let mut told = |observation| outliers.observe(SECOND, &'a', observation, 4);
        for observation in
            [NoResponse, Response(502), Response(200), ConnectFailed, Connected, Response(500)]
        {
            assert_eq!(told(observation), None);
        }
        assert_eq!(told(Response(503)), Some(action));
        // It counts from zero again, or does not count while it is out.
        assert_eq!([told(NoResponse), told(NoResponse)], [None, None]);
        let again = told(NoResponse);
        assert_eq!(again, if on_error == OnError::MarkDown { None } else { Some(action) });
    }
}

#[test]
fn each_time_in_a_row_is_longer() {
    let mut outliers = Outliers::new(OutlierSettings {
        longest_ejection: SECOND * 80,
        ..settings(Observe::Layer4, 1, OnError::MarkDown)
    });
    let mut now = SECOND;
    // Seconds until it fails again, and for how long it is out then.
    for (well, out) in [(0, 30), (0, 60), (29, 80), (0, 80), (30, 80), (95, 60), (300, 30)] {
        now += SECOND * well;
        let action = outliers.observe(now, &'a', ConnectFailed, 4);
        assert_eq!(action, Some(OutlierAction::Eject { time: SECOND * out }), "after {well}");
        now += SECOND * out;
        assert_eq!(outliers.next_deadline(), Some(now));
        assert!(outliers.advance(now - Duration::from_nanos(1)).is_empty());
        assert!(outliers.is_out(&'a'));
        assert_eq!(outliers.advance(now), ['a']);
        assert!(!outliers.is_out(&'a'));
    }
    assert_eq!(outliers.next_deadline(), None);
}

#[test]
fn never_the_last_one_and_not_more_than_the_share() {
    for (percent, servers, most) in [
        (10, 1, 0),
        (100, 1, 0),
        (0, 4, 1),
        (10, 4, 1),
        (50, 4, 2),
        (100, 4, 3),
        (10, 40, 4),
        (255, 9, 8),
    ] {
        let settings = OutlierSettings { most_ejected: percent, ..OutlierSettings::default() };
        assert_eq!(settings.most_out(servers), most, "{percent} % of {servers}");
    }
    let mut outliers = Outliers::new(settings(Observe::Layer4, 1, OnError::MarkDown));
    let mut failed = |server| outliers.observe(SECOND, &server, ConnectFailed, 4);
    assert!(matches!(failed('a'), Some(OutlierAction::Eject { .. })));
    assert_eq!(failed('b'), Some(OutlierAction::Spare));
    // A server that is configured no more is not counted.
    outliers.change(settings(Observe::Layer4, 1, OnError::MarkDown), |server| *server != 'a');
    assert!(matches!(
        outliers.observe(SECOND, &'b', ConnectFailed, 3),
        Some(OutlierAction::Eject { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn limits_hold_and_everybody_comes_back(
        servers in 1_usize..8, percent in 0_u8..=100, limit in 1_u32..4,
        steps in vec((0_usize..8, any::<bool>(), 0_u64..40), 0..200),
    ) {
        let settings = OutlierSettings { most_ejected: percent, ..settings(Observe::Layer4, limit, OnError::MarkDown) };
        let mut outliers = Outliers::new(settings);
        let mut now = SECOND;
        let mut row = BTreeMap::<usize, u32>::new();
        for (server, well, later) in steps {
            now += Duration::from_secs(later);
            for back in outliers.advance(now) {
                row.remove(&back);
            }
            let server = server % servers;
            let was_out = outliers.is_out(&server);
            let observation = if well { Connected } else { ConnectFailed };
            let action = outliers.observe(now, &server, observation, servers);
            let errors = row.entry(server).or_default();
            *errors = if well { 0 } else { *errors + 1 };
            prop_assert_eq!(action.is_some(), !was_out && *errors == limit);
            if action.is_some() {
                *errors = 0;
            }
            if let Some(OutlierAction::Eject { time }) = action {
                prop_assert!(time >= settings.ejection && time <= settings.longest_ejection);
            }
            let out = (0..servers).filter(|server| outliers.is_out(server)).count();
            prop_assert!(out < servers && out <= settings.most_out(servers));
        }
        outliers.advance(now + settings.longest_ejection);
        prop_assert!((0..servers).all(|server| !outliers.is_out(&server)));
    }
}
