//! Who is started when.

use proptest::prelude::*;

use super::*;

const NOBODY: Identity = Identity { uid: 65_534, gid: 65_534 };
const CREW: Crew = Crew { identity: NOBODY, threads: 4 };
const KILLED: Ending = Ending::Killed(9);

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// An agent that is ready, and its probe.
fn running() -> Machine {
    let mut machine = Machine::default();
    assert_eq!(machine.start(ms(0)), [Action::StartAgent]);
    assert_eq!(machine.handle(Event::Said(Word::Probe(NOBODY)), ms(1)), [started(0, None)]);
    assert_eq!(machine.handle(Event::Said(Word::Ready), ms(2)), []);
    machine
}

const fn started(before: u32, ended: Option<Ending>) -> Action {
    Action::StartProbe { identity: NOBODY, before, ended }
}

#[test]
fn an_agent_that_cannot_start_ends_it_all() {
    for (ending, code) in [(Ending::Exited(2), 2), (KILLED, FAILURE), (Ending::NotStarted, FAILURE)]
    {
        let mut machine = Machine::default();
        machine.start(ms(0));
        assert_eq!(machine.handle(Event::Ended(Who::Agent, ending), ms(9)), [Action::Exit(code)]);
    }
}

#[test]
fn an_agent_that_ends_well_was_meant_to() {
    let mut machine = running();
    let actions = machine.handle(Event::Ended(Who::Agent, Ending::Exited(0)), ms(9));
    assert_eq!(actions, [Action::Kill(Who::Probe), Action::Exit(0)]);
}

#[test]
fn an_agent_that_dies_is_back_at_once_and_then_its_probe() {
    let mut machine = running();
    let actions = machine.handle(Event::Ended(Who::Agent, KILLED), ms(500));
    assert_eq!(actions, [Action::Kill(Who::Probe), Action::StartAgent]);
    assert_eq!(machine.handle(Event::Ended(Who::Probe, KILLED), ms(501)), []);
    assert_eq!(machine.next_deadline(), None);
    let actions = machine.handle(Event::Said(Word::Probe(NOBODY)), ms(700));
    assert_eq!(actions, [started(0, None)]);
}

#[test]
fn the_probe_of_an_agent_that_was_faster_waits_for_its_end() {
    let mut machine = running();
    machine.handle(Event::Ended(Who::Agent, KILLED), ms(500));
    // The old probe has not been reaped yet.
    assert_eq!(
        machine.handle(Event::Said(Word::Probe(NOBODY)), ms(501)),
        [Action::Kill(Who::Probe)]
    );
    let actions = machine.handle(Event::Ended(Who::Probe, KILLED), ms(502));
    assert_eq!(actions, [started(0, Some(KILLED))]);
}

#[test]
fn a_probe_that_dies_again_and_again_is_given_more_and_more_time() {
    let mut machine = running();
    let mut now = ms(500);
    let mut pauses = Vec::new();
    for before in 1..10 {
        let mut actions = machine.handle(Event::Ended(Who::Probe, Ending::Killed(11)), now);
        let due = machine.next_deadline().unwrap_or(now);
        pauses.push((due - now).as_millis());
        now = due;
        if actions.is_empty() {
            actions = machine.handle(Event::Tick, now);
        }
        assert_eq!(actions, [started(before, Some(Ending::Killed(11)))]);
    }
    assert_eq!(pauses, [0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000]);
    let actions = machine.handle(Event::Ended(Who::Probe, KILLED), now + WORKED);
    assert_eq!(actions, [started(10, Some(KILLED))], "one that has worked is back at once");
}

#[test]
fn a_probe_that_hangs_or_is_to_be_another_user_is_killed() {
    let mut machine = running();
    assert_eq!(machine.handle(Event::Said(Word::Hung), ms(9)), [Action::Kill(Who::Probe)]);
    let mut machine = running();
    assert_eq!(machine.handle(Event::Said(Word::Probe(NOBODY)), ms(9)), []);
    let identity = Identity { uid: 7, gid: 8 };
    let actions = machine.handle(Event::Said(Word::Probe(identity)), ms(9));
    assert_eq!(actions, [Action::Kill(Who::Probe)]);
    let actions = machine.handle(Event::Ended(Who::Probe, KILLED), ms(10));
    assert_eq!(actions, [Action::StartProbe { identity, before: 1, ended: Some(KILLED) }]);
}

#[test]
fn the_end_is_the_agents() {
    let mut machine = running();
    assert_eq!(machine.handle(Event::Stop, ms(10)), [Action::StopAgent]);
    let actions = machine.handle(Event::Ended(Who::Agent, Ending::Exited(3)), ms(11));
    assert_eq!(actions, [Action::Kill(Who::Probe), Action::Exit(3)]);
}

#[test]
fn whoever_ends_all_processes_at_once_gets_no_new_probe() {
    let mut machine = running();
    machine.handle(Event::Stop, ms(10));
    assert_eq!(machine.handle(Event::Ended(Who::Probe, Ending::Killed(15)), ms(11)), []);
    assert_eq!(machine.next_deadline(), Some(ms(10) + STOP_LIMIT));
    let actions = machine.handle(Event::Ended(Who::Agent, Ending::Exited(0)), ms(12));
    assert_eq!(actions, [Action::Exit(0)]);
}

#[test]
fn an_agent_that_does_not_end_is_killed() {
    let mut machine = running();
    machine.handle(Event::Stop, ms(10));
    assert_eq!(machine.next_deadline(), Some(ms(10) + STOP_LIMIT));
    assert_eq!(machine.handle(Event::Tick, ms(10) + STOP_LIMIT), [Action::Kill(Who::Agent)]);
    let actions = machine.handle(Event::Ended(Who::Agent, KILLED), ms(20_000));
    assert_eq!(actions.last(), Some(&Action::Exit(FAILURE)));
    let mut machine = running();
    machine.handle(Event::Stop, ms(10));
    assert_eq!(machine.handle(Event::Stop, ms(11)), [Action::Kill(Who::Agent)], "asked twice");
}

#[test]
fn a_reload_is_for_an_agent_that_runs() {
    let mut machine = running();
    assert_eq!(machine.handle(Event::Reload, ms(9)), [Action::ReloadAgent]);
    machine.handle(Event::Ended(Who::Agent, KILLED), ms(10));
    machine.handle(Event::Ended(Who::Agent, KILLED), ms(11));
    assert_eq!(machine.handle(Event::Reload, ms(12)), []);
    assert_eq!(machine.handle(Event::Stop, ms(12)), [Action::Exit(FAILURE)], "nobody is there");
}

/// With a worker besides.
fn proxying() -> Machine {
    let mut machine = running();
    let actions = machine.handle(Event::Said(Word::Worker(CREW)), ms(3));
    assert_eq!(actions, [Action::StartWorker(CREW), connected(0, None)]);
    machine
}

const fn connected(before: u32, ended: Option<Ending>) -> Action {
    Action::ConnectWorker { before, ended }
}

#[test]
fn a_worker_goes_on_without_its_agent() {
    let mut machine = proxying();
    let actions = machine.handle(Event::Ended(Who::Agent, KILLED), ms(500));
    assert_eq!(actions, [Action::Kill(Who::Probe), Action::StartAgent]);
    assert_eq!(machine.handle(Event::Said(Word::Worker(CREW)), ms(700)), [connected(0, None)]);
    let actions = machine.handle(Event::Ended(Who::Worker, KILLED), ms(800));
    assert_eq!(actions, [Action::StartWorker(CREW), connected(1, Some(KILLED))]);
}

#[test]
fn a_worker_that_dies_without_an_agent_is_back_before_it() {
    let mut machine = proxying();
    machine.handle(Event::Ended(Who::Agent, KILLED), ms(500));
    machine.handle(Event::Ended(Who::Agent, KILLED), ms(501));
    let actions = machine.handle(Event::Ended(Who::Worker, KILLED), ms(502));
    assert_eq!(actions, [Action::StartWorker(CREW)]);
    assert_eq!(machine.handle(Event::Tick, ms(601)), [Action::StartAgent]);
    let actions = machine.handle(Event::Said(Word::Worker(CREW)), ms(700));
    assert_eq!(actions, [connected(1, Some(KILLED))]);
}

#[test]
fn a_worker_that_is_to_have_more_threads_ends_first() {
    let mut machine = proxying();
    let more = Crew { threads: 8, ..CREW };
    let actions = machine.handle(Event::Said(Word::Worker(more)), ms(10));
    assert_eq!(actions, [Action::Kill(Who::Worker)]);
    let actions = machine.handle(Event::Ended(Who::Worker, KILLED), ms(11));
    assert_eq!(actions, [Action::StartWorker(more), connected(1, Some(KILLED))]);
}

#[test]
fn a_worker_that_says_nothing_is_killed() {
    let mut machine = proxying();
    let actions = machine.handle(Event::Said(Word::WorkerHung), ms(10));
    assert_eq!(actions, [Action::Kill(Who::Worker)]);
    let actions = machine.handle(Event::Ended(Who::Worker, KILLED), ms(11));
    assert_eq!(actions, [Action::StartWorker(CREW), connected(1, Some(KILLED))]);
}

#[test]
fn all_is_over_for_the_worker_too() {
    let mut machine = proxying();
    machine.handle(Event::Stop, ms(10));
    let actions = machine.handle(Event::Ended(Who::Agent, Ending::Exited(0)), ms(11));
    let kills = [Action::Kill(Who::Probe), Action::Kill(Who::Worker)];
    assert_eq!(actions, [&kills[..], &[Action::Exit(0)]].concat());
}

#[test]
fn sockets_are_kept_as_the_agent_says() {
    let mut machine = proxying();
    assert_eq!(machine.handle(Event::Said(Word::Keep(7)), ms(10)), [Action::Keep(7)]);
    assert_eq!(machine.handle(Event::Said(Word::Forget(7)), ms(11)), [Action::Forget(7)]);
}

fn events() -> impl Strategy<Value = Vec<(u64, u8)>> {
    prop::collection::vec((0..5_000_u64, 0..12_u8), 0..60)
}

proptest! {
    /// Whatever happens: no process is started that runs, none is killed that does not, and without a word from
    /// outside the agent is back within the longest pause.
    #[test]
    fn nobody_runs_twice_and_nobody_is_forgotten(events in events()) {
        let mut machine = Machine::default();
        let mut now = ms(0);
        let mut runs = [false; 3];
        let mut actions = machine.start(now);
        let (mut news, mut is_over) = (events.into_iter(), false);
        loop {
            for action in std::mem::take(&mut actions) {
                match action {
                    Action::StartAgent => prop_assert!(!std::mem::replace(&mut runs[0], true)),
                    Action::StartProbe { .. } => {
                        prop_assert!(runs[0], "a probe without an agent");
                        prop_assert!(!std::mem::replace(&mut runs[1], true));
                    }
                    Action::StartWorker(_) => {
                        prop_assert!(!std::mem::replace(&mut runs[2], true));
                    }
                    Action::ConnectWorker { .. } => prop_assert!(runs[0] && runs[2]),
                    Action::Keep(_) | Action::Forget(_) => {}
                    Action::StopAgent | Action::ReloadAgent => prop_assert!(runs[0]),
                    Action::Kill(who) => prop_assert!(runs[who as usize]),
                    Action::Exit(_) => {
                        prop_assert!(!runs[0]);
                        is_over = true;
                    }
                }
            }
            if is_over {
                break;
            }
            let due = machine.next_deadline();
            prop_assert!(runs[0] || due.is_some_and(|due| due <= now + LONGEST_PAUSE));
            let Some((after, what)) = news.next() else { break };
            let next = now + ms(after);
            let event = match what {
                _ if due.is_some_and(|due| due <= next) => {
                    now = due.unwrap_or(now).max(now);
                    actions = machine.handle(Event::Tick, now);
                    continue;
                }
                0 | 1 if std::mem::take(&mut runs[0]) => Event::Ended(Who::Agent, KILLED),
                2..=4 if std::mem::take(&mut runs[1]) => Event::Ended(Who::Probe, KILLED),
                5 if runs[0] => Event::Said(Word::Ready),
                6 if runs[0] => Event::Said(Word::Probe(NOBODY)),
                7 if runs[0] => Event::Said(Word::Hung),
                8 if runs[0] => Event::Reload,
                9 if runs[0] => Event::Said(Word::Worker(CREW)),
                10 | 11 if std::mem::take(&mut runs[2]) => Event::Ended(Who::Worker, KILLED),
                _ => Event::Tick,
            };
            now = next;
            actions = machine.handle(event, now);
        }
    }
}
