//! Numbers and notes in the bytes of a library, none of which can be trusted to be there.

const NT_GNU_PROPERTY_TYPE_0: u64 = 5;
const X86_ISA_1_NEEDED: u64 = 0xc000_8002;

/// The property of x86 libraries among `notes`, which are aligned to 8 bytes.
pub(super) fn needed_isa(notes: &[u8]) -> Option<u32> {
    let mut rest = notes;
    loop {
        let (name_size, size, kind) = (number(rest, 0, 4)?, number(rest, 4, 4)?, number(rest, 8, 4)?);
        let start = 12 + usize::try_from(name_size).ok()?.next_multiple_of(4);
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        if kind == NT_GNU_PROPERTY_TYPE_0 && rest.get(12..16)? == b"GNU\0" {
            return property(rest.get(start..end)?, X86_ISA_1_NEEDED);
        }
        rest = rest.get(end.next_multiple_of(8)..)?;
    }
}

/// The number that the property `wanted` holds.
fn property(properties: &[u8], wanted: u64) -> Option<u32> {
    let mut rest = properties;
    loop {
        let (kind, size) = (number(rest, 0, 4)?, usize::try_from(number(rest, 4, 4)?).ok()?);
        if kind == wanted && size == 4 {
            return u32::try_from(number(rest, 8, 4)?).ok();
        }
        rest = rest.get(8 + size.next_multiple_of(8)..)?;
    }
}

/// The little-endian number of `width` bytes at `at`.
pub(super) fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
