//! Sizes and columns as people read them.

/// A size in bytes with three digits or so: `264 B`, `37.5 kB`, `13.7 MB`, `1.2 GB`; powers of ten.
pub(super) fn bytes(count: u64) -> String {
    let (mut unit, mut divisor) = ("kB", 1_000);
    for (larger, factor) in [("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000)] {
        // From 999,950 bytes on, kB would be rounded to 1000.0.
        if count >= factor - factor / 20_000 {
            (unit, divisor) = (larger, factor);
        }
    }
    if count < 1_000 {
        return format!("{count} B");
    }
    let tenths = (u128::from(count) * 10 + u128::from(divisor) / 2) / u128::from(divisor);
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// `1 layer`, `3 layers`.
pub(super) fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("{count} {one}") } else { format!("{count} {one}s") }
}

/// A store path's name without hash; any other id as it is.
pub(super) fn name(id: &str) -> &str {
    match id.split_once('-') {
        Some((hash, name)) if hash.len() == 32 => name,
        _ => id,
    }
}

/// Where a column's text stands.
#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Right,
}

/// Rows in columns that are as wide as their widest cell, two spaces apart; the last column may be of any length. Cells
/// can't steer the terminal.
pub(super) fn table<const N: usize>(alignment: [Align; N], rows: &[[String; N]]) -> String {
    let printable = |cell: &String| -> String {
        cell.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
    };
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(printable)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).zip(alignment).map(|((cell, width), align)| match align {
            Align::Left => format!("{cell:<width$}"),
            Align::Right => format!("{cell:>width$}"),
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// A small closure for the tests of what prints closures.
#[cfg(test)]
pub(super) mod sample {
    use crate::plan::{Causes, Request, Unit, key};

    const UNITS: [(&str, u64, &[usize]); 6] = [
        ("kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.36", 13_698_952, &[]),
        ("4scb502pkih7im0y9yryj20wmgw8lz83-libssl3-3.0.22", 5_871_504, &[0]),
        ("0n5f23s4z868ym4yxf7d58hxcm5bsdi9-zlib1g-1.2.13.dfsg", 126_832, &[0]),
        ("kjc6i88k2a1ybsznbda074ryvz8hh2mb-curl-7.88.1", 306_104, &[1, 2]),
        ("b0w421q3zff7bm8z9hg4cyddfl33913x-git-2.39.5", 32_338_992, &[0, 2, 3]),
        ("xfg614sc22kdc85qrps9d66mx13lczay-ca-certificates-20250419-deb12u2", 261_296, &[]),
    ];

    pub(crate) fn units() -> Vec<Unit> {
        let unit = |(id, size, references): (&str, u64, &[usize])| Unit {
            id: id.to_owned(),
            key: key(&id[33..]),
            size,
            references: references.iter().map(|&to| UNITS[to].0.to_owned()).collect(),
            causes: Causes::Closure,
        };
        UNITS.into_iter().map(unit).collect()
    }

    pub(crate) fn requests() -> Vec<Request> {
        let request =
            |(text, unit): (&str, usize)| Request { text: text.to_owned(), units: vec![UNITS[unit].0.to_owned()] };
        [("curl", 3), ("git", 4), ("cacert", 5)].map(request).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_digit_after_the_point_and_the_unit_that_fits() {
        for (count, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (37_504, "37.5 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (13_698_952, "13.7 MB"),
            (1_250_000_000, "1.3 GB"),
            (u64::MAX, "18446744.1 TB"),
        ] {
            assert_eq!(bytes(count), expected);
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1".into(), "é".into(), "x\u{1b}[2J".into()], ["10".into(), "bcd".into(), String::new()]];
        assert_eq!(table([Align::Right, Align::Left, Align::Left], &rows), " 1  é    x\u{fffd}[2J\n10  bcd\n");
    }
}
