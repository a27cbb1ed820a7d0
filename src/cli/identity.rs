//! Who sits at this terminal.

use crate::control::OperatorName;
use crate::operator::escape::short;

/// The name of this process's Unix user; `uid N` when the user table does not have it.
pub fn operator() -> OperatorName {
    let uid = rustix::process::getuid().as_raw();
    let table = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    OperatorName(name_in(&table, uid).unwrap_or_else(|| format!("uid {uid}")))
}

fn name_in(table: &str, uid: u32) -> Option<String> {
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let known = fields.nth(1)?.parse() == Ok(uid);
        (known && !name.is_empty()).then(|| short(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_one_of_the_uid() {
        let table = "root:x:0:0:root:/root:/bin/bash\nbroken\nana:x:1000:1000::/home/ana:/bin/sh\n";
        assert_eq!(name_in(table, 1000), Some("ana".to_owned()));
        assert_eq!(name_in(table, 0), Some("root".to_owned()));
        assert_eq!(name_in(table, 7), None);
    }
}
