//! The order of names that the dynamic linker searches its cache by.

use std::cmp::Ordering;

/// Compares names as the dynamic linker does: runs of digits as numbers, and after every other character.
///
/// Numbers wrap at 32 bits, as the linker's own do; characters beyond ASCII, which no library's name has, count as in the
/// linker of ARM.
pub(super) fn by_version(one: &[u8], other: &[u8]) -> Ordering {
    let (mut one, mut other) = (tokens(one), tokens(other));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) if left == right => {}
            (left, right) => return left.cmp(&right),
        }
    }
}

/// A part of a name. The end of a name, as `None`, is less than each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token {
    Character(u8),
    Number(i32),
}

fn tokens(name: &[u8]) -> impl Iterator<Item = Token> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (run, behind) = rest.split_at_checked(digits.max(1))?;
        rest = behind;
        let number = |number: i32, digit: &u8| number.wrapping_mul(10).wrapping_add(i32::from(digit - b'0'));
        Some(match run {
            [byte] if digits == 0 => Token::Character(*byte),
            run => Token::Number(run.iter().fold(0, number)),
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_count_as_numbers() {
        let sorted = ["", "libf.so", "libf.so.", "libf.so.1", "libf.so.1.2", "libf.so.1.10", "libf.so.2", "libg.so"];
        for pair in sorted.windows(2) {
            assert_eq!(by_version(pair[0].as_bytes(), pair[1].as_bytes()), Ordering::Less, "{pair:?}");
        }
        assert_eq!(by_version(b"lib1", b"libz"), Ordering::Greater);
        assert_eq!(by_version(b"libf.so.01", b"libf.so.1"), Ordering::Equal);
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[a0-9.]{0,6}", b in "[a0-9.]{0,6}", c in "[a0-9.]{0,14}") {
            let order = |one: &str, other: &str| by_version(one.as_bytes(), other.as_bytes());
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            if order(&a, &b) != Ordering::Greater && order(&b, &c) != Ordering::Greater {
                prop_assert_ne!(order(&a, &c), Ordering::Greater);
            }
        }
    }
}
