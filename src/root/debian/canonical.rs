//! Where an absolute path of a package lies once `/bin`, `/sbin` and `/lib` are links to their namesakes in `/usr`.

use crate::image::{ImagePath, ParseImagePathError};

/// Folders of the root that are links to the same name below `/usr`.
const ALIASES: [&[u8]; 7] = [b"bin", b"lib", b"lib32", b"lib64", b"libo32", b"libx32", b"sbin"];

/// `path` from the image's root: `/bin/sh` is `usr/bin/sh`. The aliases themselves become `usr/bin` and so on.
pub fn canonical_path(path: &[u8]) -> Result<ImagePath, ParseImagePathError> {
    let path = ImagePath::new(path)?;
    let first = path.as_bytes().split(|&byte| byte == b'/').next().unwrap_or_default();
    if ALIASES.contains(&first) { Ok(ImagePath::new(b"usr")?.append(&path)) } else { Ok(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_lead_below_usr() {
        let canonical = |path: &str| canonical_path(path.as_bytes()).map(|path| path.to_string());
        assert_eq!(canonical("/bin/sh").unwrap(), "/usr/bin/sh");
        assert_eq!(canonical("/lib64").unwrap(), "/usr/lib64");
        assert_eq!(canonical("/usr/bin/env").unwrap(), "/usr/bin/env");
        assert_eq!(canonical("/binary/x").unwrap(), "/binary/x");
        assert!(canonical("/bin/../etc").is_err());
    }
}
