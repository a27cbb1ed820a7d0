//! Every way out of the real `attach`, at a real terminal with a shell behind it: the terminal is as it was, and what was
//! typed for the console is not left to the shell.

use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{DEADLINE, Home, Process, simulator};
use crate::place::Place;
use crate::tmux::{Pane, Tmux};

/// How somebody leaves.
#[derive(Clone, Copy, Debug)]
enum Way {
    Signal(Signal),
    /// These keys, which leave by themselves.
    Keys(&'static [&'static str]),
}

/// The process that the shell of a pane waits for.
fn below(tmux: &Tmux, pane: &Pane) -> Pid {
    let shell = tmux.pid(pane);
    let path = format!("/proc/{shell}/task/{shell}/children");
    let deadline = Instant::now() + DEADLINE;
    loop {
        let children = std::fs::read_to_string(&path).expect("the shell lives");
        if let Some(pid) = children.split_whitespace().next().and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw) {
            return pid;
        }
        assert!(Instant::now() < deadline, "the shell starts nothing");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Leaves through a signal with two keys that are certain to be on the terminal by then: tmux and the kernel bring a key
/// there when they come to it, and one that comes after a process has gone is the shell's by right. Whether the console still
/// reads them or throws them away, the shell gets none.
fn leave_with_keys(tmux: &Tmux, pane: &Pane, child: Pid, signal: Signal) {
    let path = format!("/proc/{}/fd/0", child.as_raw_nonzero());
    let terminal = rustix::fs::open(path, OFlags::RDONLY | OFlags::NOCTTY, Mode::empty()).expect("its terminal");
    kill_process(child, Signal::STOP).expect("it lives");
    tmux.press(&[(pane, "z"), (pane, "z")]);
    until("two keys on the terminal", || rustix::io::ioctl_fionread(&terminal).is_ok_and(|unread| unread == 2));
    kill_process(child, signal).expect("it lives");
    kill_process(child, Signal::CONT).expect("it lives");
}

fn until(what: &str, met: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !met() {
        assert!(Instant::now() < deadline, "{what}: never");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_way_out_of_attach_gives_the_terminal_back_as_it_was() {
    let (home, place, sim) = (Home::new(), Place::new(), simulator().await);
    let Some(tmux) = Tmux::new(&home) else { return };
    home.write("config.toml", &place.configuration());
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal: nobody is asked here");
    let signals = [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT].map(Way::Signal);
    let full = signals.into_iter().chain([Way::Keys(&["q"]), Way::Keys(&["C-c"])]).map(|way| (way, ""));
    let plain = signals.into_iter().chain([Way::Keys(&["C-u", "q", "Enter"]), Way::Keys(&["C-c"])]);
    for (n, (way, mode)) in full.chain(plain.map(|way| (way, "--plain"))).enumerate() {
        let attach = place.attach(&[mode]).join(" ");
        let [before, after, left, done] =
            ["before", "after", "left", "done"].map(|name| home.path(&format!("{name}{n}")));
        // Ctrl-C reaches the shell as well, which goes on. What is left in the terminal is what a shell would run next: it is read with a bound and written down.
        let script = format!(
            "trap : INT; stty -g > {before}; {attach}; echo $? > {done}.code; stty -g > {after}; stty -icanon min 0 time 1; cat > {left}; touch {done}",
            before = before.display(),
            after = after.display(),
            left = left.display(),
            done = done.display()
        );
        let pane = tmux.pane(&["/bin/sh", "-c", &script]);
        tmux.shows(&pane, "nothing waits for an answer");
        let child = below(&tmux, &pane);
        match way {
            Way::Signal(signal) => leave_with_keys(&tmux, &pane, child, signal),
            Way::Keys(keys) => {
                tmux.press(&[(&pane, "z"), (&pane, "z")]);
                for key in keys {
                    // One that comes with others is not one that was meant.
                    std::thread::sleep(Duration::from_millis(600));
                    tmux.press(&[(&pane, key)]);
                }
            }
        }
        until(&format!("{way:?} {mode}"), || done.exists());
        let read = |path: &std::path::Path| std::fs::read_to_string(path).expect("written");
        assert_eq!(read(&before), read(&after), "{way:?} {mode}");
        assert_eq!(read(&left), "", "{way:?} {mode}");
        assert_eq!(read(&home.path(&format!("done{n}.code"))), "0\n", "{way:?} {mode}");
    }
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}
