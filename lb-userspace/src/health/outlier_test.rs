//! Which errors count, and how many servers may be out.

use std::num::NonZeroU32;

use proptest::{collection::vec, prelude::*};

use super::{
    Observation::{ConnectFailed, Connected, NoResponse, Response},
    *,
};

const SECOND: Duration = Duration::from_secs(1);

fn settings(on_error: OnError) -> Observe {
    let error_limit = NonZeroU32::new(3).unwrap();
    Observe { error_limit, on_error, ..Observe::default() }
}

#[test]
fn which_errors_count() {
    use ObservedLayer::{Layer4, Layer7};
    for (layer, observation, expected) in [
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
        assert_eq!(observation.judge(layer), expected, "{layer:?} {observation:?}");
    }
}

#[test]
fn what_follows() {
    for (on_error, action) in [
        (OnError::FastCheck, OutlierAction::CheckNow),
        (OnError::FailCheck, OutlierAction::FailCheck),
        (OnError::SuddenDeath, OutlierAction::Condemn),
        (OnError::MarkDown, OutlierAction::Eject { time: SECOND * 30 }),
    ] {
        let mut outliers = Outliers::new(settings(on_error));
        assert_eq!(outliers.suspect(SECOND, &'a', 4), Some(action));
        // Nothing more is said of it while it is out.
        let again = if on_error == OnError::MarkDown { None } else { Some(action) };
        assert_eq!(outliers.suspect(SECOND, &'a', 4), again);
    }
}

#[test]
fn each_time_in_a_row_is_longer() {
    let settings = Observe { max_ejection: SECOND * 80, ..settings(OnError::MarkDown) };
    let mut outliers = Outliers::new(settings);
    let mut now = SECOND;
    // Seconds until it fails again, and for how long it is out then.
    for (well, out) in [(0, 30), (0, 60), (29, 80), (0, 80), (30, 80), (95, 60), (300, 30)] {
        now += SECOND * well;
        let action = outliers.suspect(now, &'a', 4);
        assert_eq!(action, Some(OutlierAction::Eject { time: SECOND * out }), "after {well}");
        now += SECOND * out;
        assert_eq!(outliers.next_deadline(), Some(now));
        assert!(outliers.advance(now - Duration::from_nanos(1)).is_empty());
        assert_eq!((outliers.is_out(&'a'), outliers.out_until(&'a')), (true, Some(now)));
        assert_eq!(outliers.advance(now), ['a']);
        assert_eq!((outliers.is_out(&'a'), outliers.out_until(&'a')), (false, None));
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
        let settings = Observe { max_ejected: percent, ..Observe::default() };
        assert_eq!(most_out(&settings, servers), most, "{percent} % of {servers}");
    }
    let mut outliers = Outliers::new(settings(OnError::MarkDown));
    let mut failed = |server| outliers.suspect(SECOND, &server, 4);
    assert!(matches!(failed('a'), Some(OutlierAction::Eject { .. })));
    assert_eq!(failed('b'), Some(OutlierAction::Spare));
    // A server that is configured no more is not counted.
    outliers.change(settings(OnError::MarkDown), |server| *server != 'a');
    let action = outliers.suspect(SECOND, &'b', 3);
    assert!(matches!(action, Some(OutlierAction::Eject { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn limits_hold_and_everybody_comes_back(
        servers in 1_usize..8, percent in 0_u8..=100,
        steps in vec((0_usize..8, 0_u64..40), 0..200),
    ) {
        let settings = Observe { max_ejected: percent, ..settings(OnError::MarkDown) };
        let mut outliers = Outliers::new(settings);
        let mut now = SECOND;
        for (server, later) in steps {
            now += Duration::from_secs(later);
            outliers.advance(now);
            let server = server % servers;
            let was_out = outliers.is_out(&server);
            let action = outliers.suspect(now, &server, servers);
            prop_assert_eq!(action.is_some(), !was_out);
            if let Some(OutlierAction::Eject { time }) = action {
                prop_assert!(time >= settings.ejection && time <= settings.max_ejection);
            }
            let out = (0..servers).filter(|server| outliers.is_out(server)).count();
            prop_assert!(out < servers && out <= most_out(&settings, servers));
        }
        outliers.advance(now + settings.max_ejection);
        prop_assert!((0..servers).all(|server| !outliers.is_out(&server)));
    }
}
