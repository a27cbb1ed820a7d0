//! What the prompt does where more than one operator has to agree, where reasons are wanted, and when time runs out.

use insta::assert_snapshot;

use super::bench::Bench;
use crate::control::fixtures::{at, by, ended, open, revised};
use crate::control::{
    Act, ApprovalView, Change, ClientSettings, DaemonInfo, Decided, Halt, OperatorName, State, Update, Vote,
};
use crate::gate::{Delivery, Outcome, Revision, Timing};
use crate::operator::prompt::machine::Input;
use crate::policy::{Confirm, ReasonFor, Risk};

fn voted(view: &ApprovalView, names: &[&str]) -> ApprovalView {
    let vote =
        |name: &&str| Vote { by: OperatorName((*name).to_owned()), at: at("2026-11-23T13:03:00Z"), reason: None };
    ApprovalView { votes: names.iter().map(vote).collect(), ..view.clone() }
}

fn two(n: u8) -> ApprovalView {
    revised(&open(n, "Buying"), |card| card.terms.approvals = 2)
}

fn wanting(reason: ReasonFor) -> ApprovalView {
    revised(&open(1, "Buying"), |card| card.terms.reason = reason)
}

fn counted(bench: &mut Bench, view: &ApprovalView) {
    bench.told(voted(view, &["root"]));
    bench.input(Input::Decided { id: view.card.approval, result: Ok(Decided::Counted { given: 1, needed: 2 }) });
}

#[test]
fn a_card_that_takes_two_operators_and_a_reason() {
    let view = revised(&two(1), |card| {
        card.terms.not_by = vec!["agent-runner".into(), "@dev\u{202e}".into()];
        card.terms.reason = ReasonFor::Both;
    });
    let mut bench = Bench::wide(80);
    bench.input(Input::Snapshot(Box::new(crate::control::fixtures::snapshot(vec![voted(&view, &["ops2"])]))));
    bench.answers("?");
    assert_snapshot!(bench.screen);
}

#[test]
fn an_approval_that_only_counts_moves_on_and_stays_listed() {
    let (one, other) = (two(1), open(2, "Booking"));
    let mut bench = Bench::asking(&[one.clone(), other.clone()]);
    bench.answers("y");
    bench.printed();
    counted(&mut bench, &one);
    let said = bench.printed();
    assert!(said.contains("3333  your approval counts: 1 of 2; 1 more operator has to approve"), "{said}");
    assert!(said.contains(&format!("{}  approve?", other.card.code())), "{said}");
    bench.answers("l");
    let listed = bench.printed();
    assert!(listed.contains("3333") && listed.contains("approved by root so far (1 of 2)"), "{listed}");
    bench.answers("3333");
    assert!(bench.printed().ends_with("3333  approve? [y/n/?] > "), "by its code it can be had again");
    bench.answers("n");
    assert_eq!(bench.acts(), [Act::approve(), Act::Deny { reason: None }]);
}

#[test]
fn while_nothing_else_waits_a_counted_card_is_had_by_its_code_and_comes_back_when_it_changes() {
    let view = two(1);
    let mut bench = Bench::with(&view);
    bench.answers("y");
    counted(&mut bench, &view);
    bench.printed();
    bench.told(voted(&view, &["root"]));
    assert!(!bench.printed().contains("approve?"), "nothing is asked of whoever has approved");
    bench.answers("y");
    assert_eq!(bench.acts(), [Act::approve()], "and nothing is taken for an answer");
    bench.answers("3333");
    assert!(bench.printed().ends_with("3333  approve? [y/n/?] > "));

    let mut bench = Bench::with(&view);
    bench.answers("y");
    counted(&mut bench, &view);
    bench.printed();
    bench.told(revised(&view, |card| card.revision = Revision(2)));
    assert!(bench.printed().ends_with("3333  approve? [y/n/?] > "), "another revision is asked about anew");
}

#[test]
fn another_operators_vote_is_told_and_the_last_one_names_both() {
    let view = two(1);
    let mut bench = Bench::with(&view);
    bench.printed();
    bench.told(voted(&view, &["ops2"]));
    assert_eq!(bench.printed(), "\n3333  approved by ops2 so far (1 of 2)\n3333  approve? [y/n/?] > ");
    let both = voted(&view, &["ops2", "ops3"]);
    bench.told(ended(&both, Outcome::Approved, by("ops3", Some("due")), Delivery::Applied, ""));
    assert!(bench.screen.contains("3333 was approved by ops3 (due) together with ops2"), "{}", bench.screen);
}

#[test]
fn a_wanted_reason_is_asked_for_and_nothing_is_sent_without_it() {
    let mut bench = Bench::with(&wanting(ReasonFor::Both));
    assert!(bench.screen.ends_with("3333  approve? [y because …/n/?] > "), "{}", bench.screen);
    bench.answers("y").answers("y because").answers("n");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen.contains("approving this takes a reason") && bench.screen.contains("n and why"));
    bench.answers("y because it is due");
    assert_eq!(bench.acts(), [Act::Approve { reason: Some("it is due".into()) }]);

    let mut bench = Bench::with(&wanting(ReasonFor::Deny));
    bench.answers("n too dear");
    assert_eq!(bench.acts(), [Act::Deny { reason: Some("too dear".into()) }]);

    let mut bench = Bench::with(&revised(&wanting(ReasonFor::Approve), |card| card.confirm = Confirm::Type));
    bench.answers("410");
    assert_eq!(bench.acts(), []);
    bench.answers("410 because it is due");
    assert_eq!(bench.acts(), [Act::Approve { reason: Some("it is due".into()) }]);
    assert_eq!(bench.decisions[0].typed.as_deref(), Some("410"));
}

#[test]
fn where_several_have_to_agree_nobody_writes_texts_of_their_own() {
    let mut bench = Bench::with(&two(1));
    bench.answers("m use the test shop");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen.contains("several operators have to agree"), "{}", bench.screen);
}

#[test]
fn extending_says_how_often_it_is_still_possible() {
    for (left, said) in [(2, ", 2 extensions left\n"), (1, ", 1 extension left\n"), (0, ", for the last time\n")] {
        let view = open(1, "Buying");
        let mut bench = Bench::with(&view);
        bench.answers("x");
        let deadline = at("2026-11-23T13:22:11Z");
        let update = ApprovalView { deadline, extensions_left: left, ..view.clone() };
        let result = Ok(Decided::Extended { deadline, extensions_left: left });
        let answer = Input::Decided { id: view.card.approval, result };
        let mut other = Bench::with(&view);
        other.answers("x");
        bench.told(update.clone());
        bench.input(answer.clone());
        other.input(answer);
        other.told(update);
        // The answer and the update say the same, whichever comes first.
        for screen in [bench.screen, other.screen] {
            assert!(screen.contains(&format!("3333  now waits until 13:22:11{said}")), "{screen}");
            assert_eq!(screen.matches("now waits until").count(), 1, "{screen}");
        }
    }
}

#[test]
fn what_changes_on_a_card_that_waits_for_its_turn_is_said_when_it_happens() {
    let (one, two) = (open(1, "a"), open(2, "b"));
    let draft = |view: &ApprovalView| {
        let draft = revised(view, |card| card.revision = Revision(0));
        ApprovalView { state: State::Draft, ..draft }
    };
    let mut bench = Bench::asking(&[one, draft(&two)]);
    bench.later(2000).typed("n too d");
    bench.printed();
    bench.told(two.clone());
    let sealed = bench.printed();
    assert!(sealed.contains("in time") && sealed.contains("waits for its turn"), "{sealed}");
    bench.told(revised(&two, |card| {
        card.revision = Revision(2);
        card.timing = Timing::Late;
    }));
    let said = "\n4444  CHANGED while it waits for its turn: timing in time → late; y resumes → lets the session go\n      on; \
                n cancels → cancels it\n3333  approve? [y/n/?] > n too d";
    assert_eq!(bench.printed(), said);
    // A card that is being completed anew is no card; then it is told whole.
    bench.told(draft(&two)).printed();
    bench.told(revised(&two, |card| card.timing = Timing::Late));
    assert!(bench.printed().contains("may already have happened, waits for its turn"));
    bench.typed("ear").typed("\n");
    assert_eq!(bench.acts(), [Act::Deny { reason: Some("too dear".into()) }]);
}

#[test]
fn the_riskiest_is_asked_about_first_and_a_card_on_screen_is_not_swapped_for_a_riskier_one() {
    let risky = |n| revised(&open(n, "Buying"), |card| card.risk = Risk::High);
    let mut bench = Bench::asking(&[open(1, "a"), risky(2)]);
    assert!(bench.screen.ends_with("4444  approve? [y/n/?] > "), "{}", bench.screen);
    bench.told(ApprovalView { deadline: at("2026-11-23T13:03:00Z"), ..risky(3) });
    assert!(bench.screen.ends_with("4444  approve? [y/n/?] > "), "{}", bench.screen);
    bench.answers("n").taken(risky(2).card.approval, Outcome::Denied);
    assert!(bench.screen.ends_with("5555  approve? [y/n/?] > "), "{}", bench.screen);
}

#[test]
fn the_bell_rings_once_more_when_half_of_the_time_is_gone_and_again_after_an_extension() {
    let view = open(1, "Buying");
    let mut bench = Bench::with(&view);
    let bells = bench.bells;
    bench.printed();
    let pass = |bench: &mut Bench, clock: &str| {
        bench.input(Input::Clock(at(clock)));
        bench.later(250);
        (bench.bells - bells, bench.printed())
    };
    assert_eq!(pass(&mut bench, "2026-11-23T13:07:10Z"), (0, String::new()));
    let said = "\n3333  still waits: 4m 58s left; no answer by 13:12:11 cancels\n3333  approve? [y/n/?] > ";
    assert_eq!(pass(&mut bench, "2026-11-23T13:07:13Z"), (1, said.to_owned()));
    assert_eq!(pass(&mut bench, "2026-11-23T13:09:00Z").0, 1, "once");
    bench.told(ApprovalView { deadline: at("2026-11-23T13:19:11Z"), ..view.clone() });
    assert_eq!(pass(&mut bench, "2026-11-23T13:10:00Z").0, 1);
    assert_eq!(pass(&mut bench, "2026-11-23T13:11:00Z").0, 2);
    bench.told(ApprovalView { deadline: at("2026-11-23T13:12:41Z"), ..view.clone() });
    let (bells, said) = pass(&mut bench, "2026-11-23T13:12:11Z");
    assert!(bells == 3 && said.contains("3333  last call: 30s left;"), "{said}");
    bench.told(ApprovalView { deadline: at("2026-11-23T13:30:11Z"), frozen: true, ..view });
    assert_eq!(pass(&mut bench, "2026-11-23T13:29:00Z").0, 3, "a deadline that stands still calls nobody");
}

#[test]
fn the_numbers_are_the_daemons() {
    let settings = ClientSettings { arm_ms: 3000, escalate_percent: 100, ..ClientSettings::default() };
    let daemon = Box::new(DaemonInfo { settings, ..DaemonInfo::default() });
    let mut bench = Bench::with(&open(1, "Buying"));
    bench.input(Input::Update(Box::new(Update { seq: 1, change: Change::Daemon { daemon } })));
    let bells = bench.bells;
    bench.input(Input::Clock(at("2026-11-23T13:12:00Z")));
    bench.answers("y");
    assert_eq!((bench.acts(), bench.bells), (vec![], bells), "two seconds are too soon now, and nothing is called out");
    bench.later(3000).answers("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn the_list_has_the_riskiest_first_and_then_what_has_the_least_time() {
    let late = |n: u8, deadline: &str| ApprovalView { deadline: at(deadline), ..open(n, "Buying") };
    let risky = revised(&late(3, "2026-11-23T13:20:00Z"), |card| card.risk = Risk::High);
    let mut bench = Bench::wide(80);
    let views = vec![late(1, "2026-11-23T13:15:00Z"), late(2, "2026-11-23T13:10:00Z"), risky];
    bench.input(Input::Snapshot(Box::new(crate::control::fixtures::snapshot(views))));
    bench.input(Input::Clock(at("2026-11-23T13:03:00Z")));
    bench.printed();
    bench.answers("l");
    assert_snapshot!(bench.screen);
}

#[test]
fn who_comes_to_a_stop_of_everything_is_told_of_it_and_of_its_end() {
    let reason = Some("odd\u{202e} orders".to_owned());
    let halt = Halt { by: OperatorName("ops2".to_owned()), at: at("2026-11-23T12:00:00Z"), reason };
    let said = "everything is stopped, by ops2 (odd<U+202E> orders), since 2026-11-23T12:00:00Z";
    let snapshot = |views: Vec<ApprovalView>| {
        let mut snapshot = crate::control::fixtures::snapshot(views);
        snapshot.daemon.halt = Some(halt.clone());
        Input::Snapshot(Box::new(snapshot))
    };
    let mut bench = Bench::wide(200);
    bench.input(snapshot(vec![open(1, "Buying")]));
    assert!(bench.printed().contains(said), "where something waits: {}", bench.screen);
    let mut bench = Bench::wide(200);
    bench.input(snapshot(Vec::new()));
    let first = bench.printed();
    assert!(first.contains(said) && first.contains("stop-all --end") && first.contains("nothing waits"), "{first}");
    bench.answers("l");
    assert!(bench.printed().contains(said), "{}", bench.screen);
    let daemon = Box::<DaemonInfo>::default();
    bench.input(Input::Update(Box::new(Update { seq: 1, change: Change::Daemon { daemon } })));
    bench.printed();
    bench.answers("l");
    assert!(!bench.printed().contains("stopped"), "{}", bench.screen);
}

#[test]
fn a_deadline_that_moves_is_told_unless_everything_is_stopped() {
    for stopped in [false, true] {
        let view = open(1, "Buying");
        let mut snapshot = crate::control::fixtures::snapshot(vec![view.clone()]);
        let by = OperatorName("ops2".to_owned());
        snapshot.daemon.halt = stopped.then(|| Halt { by, at: at("2026-11-23T12:00:00Z"), reason: None });
        let mut bench = Bench::wide(120);
        bench.input(Input::Snapshot(Box::new(snapshot)));
        bench.told(ApprovalView { deadline: at("2026-11-23T13:22:11Z"), ..view });
        let told = bench.printed().contains("now waits until 13:22:11");
        assert_eq!(told, !stopped, "{}", bench.screen);
    }
}

#[test]
fn after_a_lost_connection_nothing_of_before_answers_anything() {
    let snapshot = |views: Vec<ApprovalView>| Input::Snapshot(Box::new(crate::control::fixtures::snapshot(views)));
    let view = open(1, "Buying");
    let mut bench = Bench::wide(120);
    bench.input(snapshot(vec![view.clone()]));
    bench.later(2000).answers("y");
    assert_eq!(bench.acts(), [Act::approve()], "decided, and never answered");
    bench.input(Input::Away { why: "the connection to the daemon was lost".to_owned() });
    bench.printed();
    bench.later(2000).typed("l\n");
    assert!(bench.printed().contains("what waits is not known"), "{}", bench.screen);
    bench.typed("y");
    bench.input(snapshot(vec![view]));
    let shown = bench.printed();
    assert!(shown.contains("connected again") && shown.contains("3333  approve?"), "it is asked again: {shown}");
    bench.later(2000).typed("\n");
    assert_eq!(bench.acts().len(), 1, "the rest of a line from before: {}", bench.screen);
    bench.later(2000).answers("y");
    assert_eq!(bench.acts(), [Act::approve(), Act::approve()]);
}

#[test]
fn what_ended_while_there_was_no_connection_is_told_and_what_had_ended_before_is_not_told_again() {
    let snapshot = |views: Vec<ApprovalView>| Input::Snapshot(Box::new(crate::control::fixtures::snapshot(views)));
    let denied = |n: u8, delivery| ended(&open(n, "Buying"), Outcome::Denied, by("ops2", None), delivery, "cancelled");
    let mut bench = Bench::wide(120);
    bench.input(snapshot(vec![denied(1, Delivery::Applied), open(2, "Buying"), open(3, "Buying"), open(4, "Buying")]));
    bench.later(2000).answers("y");
    let decided = bench.decisions[0].approval;
    bench.input(Input::Away { why: "the connection to the daemon was lost".to_owned() });
    bench.printed();
    let mine = |n: u8| ended(&open(n, "Buying"), Outcome::Approved, by("ops1", None), Delivery::Failed, "still paused");
    assert_eq!(open(2, "Buying").card.approval, decided);
    bench.input(snapshot(vec![denied(1, Delivery::Applied), mine(2), denied(3, Delivery::Applied)]));
    let told = bench.printed();
    let codes = [1, 2, 3, 4].map(|n| open(n, "Buying").card.code().to_string());
    let said = |n: usize| told.lines().filter(|line| line.contains(&codes[n - 1])).collect::<Vec<_>>().join(" ");
    assert_eq!(said(1), "", "it was known before");
    assert!(said(2).contains("still paused"), "what was decided here: {told}");
    assert!(said(3).contains("was denied by ops2"), "{told}");
    assert!(said(4).contains("has ended meanwhile"), "{told}");
}
