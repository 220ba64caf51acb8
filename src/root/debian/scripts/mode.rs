//! Permission bits as `chmod` reads them.

/// The permission bits that `mode` makes of `before`: `0755`, `u+s`, `g-w,o=`.
pub(super) fn symbolic(mode: &str, before: u32) -> Option<u32> {
    if mode.starts_with(|c: char| c.is_ascii_digit()) {
        return u32::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o7777);
    }
    let mut bits = before;
    for clause in mode.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let (who, what) = clause.split_at(at);
        let who = if who.is_empty() || who.contains('a') { "ugo" } else { who };
        let shift = |class| match class {
            'u' => Some(6),
            'g' => Some(3),
            'o' => Some(0),
            _ => None,
        };
        let sign = what.chars().next()?;
        for class in who.chars() {
            let shift = shift(class)?;
            let mut set = 0;
            for permission in what.chars().skip(1) {
                set |= match permission {
                    'r' => 4 << shift,
                    'w' => 2 << shift,
                    'x' => 1 << shift,
                    'X' if bits & 0o111 != 0 => 1 << shift,
                    'X' => 0,
                    's' => [0, 0o2000, 0o4000][shift / 3],
                    't' => 0o1000,
                    _ => return None,
                };
            }
            match sign {
                '+' => bits |= set,
                '-' => bits &= !set,
                _ => bits = (bits & !(7 << shift)) | set,
            }
        }
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::symbolic;

    #[test]
    fn modes_are_read_as_chmod_does() {
        for (mode, before, after) in [
            ("0755", 0, Some(0o755)),
            ("2755", 0o644, Some(0o2755)),
            ("u+s", 0o755, Some(0o4755)),
            ("g+s", 0o755, Some(0o2755)),
            ("go-rwx", 0o755, Some(0o700)),
            ("u=rw,g=r,o=", 0o777, Some(0o640)),
            ("+x", 0o644, Some(0o755)),
            ("a+rX", 0o600, Some(0o644)),
            ("o+t", 0o777, Some(0o1777)),
            ("nonsense", 0o777, None),
            ("77777", 0, None),
        ] {
            assert_eq!(symbolic(mode, before), after, "{mode}");
        }
    }
}
