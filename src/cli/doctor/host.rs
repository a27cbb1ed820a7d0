//! What the machine and the terminal have to give.

use jiff::Timestamp;
use rustix::process::{Resource, getrlimit};
use rustix::stdio::stderr;
use rustix::termios::tcgetwinsize;

use super::Check;
use crate::operator::terminal;

/// A clock before this is not set: the first commit is younger.
const PAST: i64 = 1_767_225_600;
/// What a thousand sessions need.
const FILES: u64 = 4_096;
/// The smallest terminal that the console is made for.
const SMALLEST: (u16, u16) = (40, 12);

/// Looks at the clock, the limit of open files and the terminal.
pub fn checks() -> Vec<Check> {
    let size = tcgetwinsize(stderr()).ok().map(|size| (size.ws_col, size.ws_row));
    let term = std::env::var("TERM").ok();
    vec![
        clock(Timestamp::now()),
        files(getrlimit(Resource::Nofile).maximum),
        screen(terminal::is_usable(), size, term.as_deref()),
    ]
}

fn clock(now: Timestamp) -> Check {
    if now.as_second() < PAST {
        return Check::fail("clock", format!("it is {now:.0} here"), "set the clock: deadlines and TLS depend on it");
    }
    Check::ok("clock", format!("{now:.0}"))
}

fn files(most: Option<u64>) -> Check {
    match most {
        Some(most) if most < FILES => Check::warn(
            "open files",
            format!("at most {most}, and a thousand sessions need {FILES}"),
            "raise LimitNOFILE= of the unit, or `ulimit -Hn`",
        ),
        Some(most) => Check::ok("open files", format!("at most {most}")),
        None => Check::ok("open files", "no limit"),
    }
}

fn screen(usable: bool, size: Option<(u16, u16)>, term: Option<&str>) -> Check {
    let what = "terminal";
    let scripts = "scripts take the card's digest: `holdpoint approve ID --digest HEX`";
    match (usable, size, term) {
        (false, _, _) => Check::ok(what, format!("none here, so nothing is asked here; {scripts}")),
        (true, _, None | Some("" | "dumb")) => {
            Check::ok(what, "a plain one: `holdpoint attach` and `approve` print lines")
        }
        (true, Some((columns, rows)), _) if columns < SMALLEST.0 || rows < SMALLEST.1 => Check::warn(
            what,
            format!("{columns}×{rows} is small"),
            format!("the console wants {}×{}; `holdpoint attach --plain` goes anywhere", SMALLEST.0, SMALLEST.1),
        ),
        (true, Some((columns, rows)), _) => Check::ok(what, format!("{columns}×{rows}")),
        (true, None, _) => Check::ok(what, "of unknown size"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict::{Fail, Ok, Warn};
    use super::*;

    #[test]
    fn each_finding_has_its_verdict() {
        assert_eq!(clock(Timestamp::UNIX_EPOCH).verdict, Fail);
        assert_eq!([files(Some(256)), files(Some(1 << 20)), files(None)].map(|check| check.verdict), [Warn, Ok, Ok]);
        let screens = [
            screen(false, None, None),
            screen(true, Some((80, 24)), Some("xterm")),
            screen(true, Some((30, 10)), Some("xterm")),
            screen(true, Some((30, 10)), Some("dumb")),
        ];
        assert_eq!(screens.map(|check| check.verdict), [Ok, Ok, Warn, Ok]);
    }
}
