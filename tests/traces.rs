//! The measuring command on recorded traces, when `HOLDPOINT_TRACES` names a file of them. Prints figures; asserts floors.

use std::process::Command;

use serde_json::Value;

/// The least recall, the most disturbance and the least precision of a preset on a surface, as shares.
struct Floor {
    preset: &'static str,
    surface: &'static str,
    recall: f64,
    disturbed: f64,
    precision: f64,
}

const FLOORS: [Floor; 3] = [
    Floor { preset: "balanced", surface: "browser", recall: 0.98, disturbed: 0.10, precision: 0.60 },
    Floor { preset: "balanced", surface: "tools", recall: 0.95, disturbed: 0.15, precision: 0.75 },
    Floor { preset: "balanced", surface: "web-text", recall: 1.0, disturbed: 0.03, precision: 0.90 },
];

fn measured(preset: &str, traces: &str) -> Value {
    let out = Command::new(env!("CARGO_BIN_EXE_holdpoint"))
        .args(["policy", "eval", "--json", "--preset", preset, "--traces", traces])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn presets_keep_their_floors_on_recorded_traces() {
    let Ok(traces) = std::env::var("HOLDPOINT_TRACES") else { return };
    for Floor { preset, surface, recall, disturbed, precision } in FLOORS {
        let measured = measured(preset, &traces);
        println!("{preset}: {measured:#}");
        let figure = |name: &str| measured["surfaces"][surface][name].as_f64().unwrap();
        let found = (figure("recall"), figure("disturbed"), figure("precision"));
        assert!(
            found.0 >= recall && found.1 <= disturbed && found.2 >= precision,
            "{preset} on {surface}: recall, disturbed, precision are {found:?}"
        );
    }
}
