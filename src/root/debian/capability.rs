//! File capabilities: `setcap`'s text as the bytes of `security.capability`.
//!
//! Text as in `cap_from_text(3)`, bytes as in `linux/capability.h`, revision 2: `cap_net_raw+ep` is twenty bytes.

/// All capabilities, by number.
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// All of [`NAMES`].
const ALL: u64 = (1 << NAMES.len()) - 1;

const REVISION_2: u32 = 0x0200_0000;
const EFFECTIVE: u32 = 1;

/// Text that names no capabilities of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` are no capabilities of a file: {reason}", .text.escape_debug())]
pub struct ParseCapabilityError {
    /// What was given, shortened.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

#[derive(Default)]
struct Sets {
    effective: u64,
    permitted: u64,
    inheritable: u64,
}

/// The value of `security.capability` for `text`: `cap_net_raw,cap_net_admin=ep`, `cap_net_raw+ep`, several such separated by
/// blanks.
pub fn encode_capabilities(text: &str) -> Result<Vec<u8>, ParseCapabilityError> {
    let refused = |reason| ParseCapabilityError { text: text.chars().take(80).collect(), reason };
    let mut sets = Sets::default();
    if text.trim().is_empty() {
        return Err(refused("there is none"));
    }
    for clause in text.split_whitespace() {
        sets.apply(clause).map_err(refused)?;
    }
    // The file has one bit for all that it gives.
    let given = sets.permitted | sets.inheritable;
    if sets.effective != 0 && given & !sets.effective != 0 {
        return Err(refused("some are effective and some are not"));
    }
    let magic = REVISION_2 | if sets.effective == 0 { 0 } else { EFFECTIVE };
    let mut value = magic.to_le_bytes().to_vec();
    for half in [0, 32] {
        for set in [sets.permitted, sets.inheritable] {
            let word = (set >> half) & u64::from(u32::MAX);
            value.extend_from_slice(&word.to_le_bytes()[..4]);
        }
    }
    Ok(value)
}

impl Sets {
    /// `cap_net_raw,cap_kill=ep+i`
    fn apply(&mut self, clause: &str) -> Result<(), &'static str> {
        let start = clause.find(['=', '+', '-']).ok_or("an operator (`=`, `+`, `-`) is missing")?;
        let (list, mut rest) = clause.split_at(start);
        let chosen = if list.is_empty() && rest.starts_with('=') { ALL } else { named(list)? };
        while let Some(operator) = rest.chars().next() {
            let after = &rest[operator.len_utf8()..];
            let (flags, next) = after.split_at(after.find(['=', '+', '-']).unwrap_or(after.len()));
            if operator == '=' {
                for set in [&mut self.effective, &mut self.permitted, &mut self.inheritable] {
                    *set &= !chosen;
                }
            }
            for flag in flags.chars() {
                let set = match flag {
                    'e' => &mut self.effective,
                    'p' => &mut self.permitted,
                    'i' => &mut self.inheritable,
                    _ => return Err("a set is none of `e`, `i`, `p`"),
                };
                *set = if operator == '-' { *set & !chosen } else { *set | chosen };
            }
            rest = next;
        }
        Ok(())
    }
}

fn named(list: &str) -> Result<u64, &'static str> {
    list.split(',').try_fold(0, |chosen, name| {
        let name = name.to_ascii_lowercase();
        if name == "all" {
            return Ok(ALL);
        }
        let short = name.strip_prefix("cap_").ok_or("a name does not begin `cap_`")?;
        let number = NAMES.iter().position(|known| *known == short).ok_or("a name is unknown")?;
        Ok(chosen | 1 << number)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(text: &str) -> String {
        data_encoding::HEXLOWER.encode(&encode_capabilities(text).unwrap())
    }

    /// What `setcap` wrote, read by `getfattr -e hex -n security.capability`.
    #[test]
    fn bytes_are_setcaps() {
        for (text, expected) in [
            ("cap_net_raw+ep", "0100000200200000000000000000000000000000"),
            ("cap_net_raw=ep", "0100000200200000000000000000000000000000"),
            ("cap_net_raw,cap_net_admin=ep", "0100000200300000000000000000000000000000"),
            ("cap_net_bind_service=+eip", "0100000200040000000400000000000000000000"),
            ("CAP_BPF,cap_kill+p", "0000000220000000000000008000000000000000"),
            ("cap_checkpoint_restore=ep cap_chown+ep", "0100000201000000000000000001000000000000"),
            ("all=ep", "01000002ffffffff00000000ff01000000000000"),
            ("=ep cap_chown-ep", "01000002feffffff00000000ff01000000000000"),
            ("cap_setuid=p+e", "0100000280000000000000000000000000000000"),
        ] {
            assert_eq!(hex(text), expected, "{text}");
        }
    }

    #[test]
    fn what_setcap_refuses_is_refused() {
        for (text, reason) in [
            (" ", "there is none"),
            ("cap_net_raw", "an operator (`=`, `+`, `-`) is missing"),
            ("cap_fly+ep", "a name is unknown"),
            ("net_raw+ep", "a name does not begin `cap_`"),
            ("+ep", "a name does not begin `cap_`"),
            ("cap_net_raw+x", "a set is none of `e`, `i`, `p`"),
            ("cap_net_raw+ep cap_kill+p", "some are effective and some are not"),
        ] {
            assert_eq!(encode_capabilities(text).unwrap_err().reason, reason, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[a-z_=+,epiü -]{0,40}") {
            if let Ok(value) = encode_capabilities(&text) {
                prop_assert_eq!(value.len(), 20);
            }
        }

        #[test]
        fn every_name_sets_its_own_bit(number in 0..NAMES.len()) {
            let value = encode_capabilities(&format!("cap_{}+ep", NAMES[number])).unwrap();
            let word = |at: usize| u64::from(u32::from_le_bytes([value[at], value[at + 1], value[at + 2], value[at + 3]]));
            prop_assert_eq!(word(4) | word(12) << 32, 1 << number);
        }
    }
}
