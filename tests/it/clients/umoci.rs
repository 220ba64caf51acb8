//! Umoci unpacks the layers into a root.

use super::image::base_image;
use super::{has, is_root, run};

#[test]
fn umoci_unpacks_what_the_build_told() {
    let Some(image) = base_image() else { return };
    let Some(()) = has("umoci").and_then(|()| is_root()) else { return };
    for codec in ["gzip", "none"] {
        let name = format!("um-{codec}.oci");
        let folder = image.build(&name, &["--format", "oci-dir", "--compression", codec]);
        let bundle = image.project.beside(&format!("bundle-{codec}"));
        let source = format!("{}:it", folder.path.display());
        run("umoci", ["unpack", "--image", &source, bundle.to_str().unwrap()]);
        for (path, word) in [("etc/passwd", "root:x:0:0"), ("etc/os-release", "NAME"), ("etc/hosts", "127.0.0.1")] {
            let text = std::fs::read_to_string(bundle.join("rootfs").join(path)).unwrap();
            assert!(text.contains(word), "{path}: {text}");
        }
        // Umoci knows of any difference between its unpacked root and the layers.
        run("umoci", ["stat", "--image", &source]);
        std::fs::remove_dir_all(bundle).unwrap();
    }
}
