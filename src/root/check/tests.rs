use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::config::{FileContent, Request, RunAs, Template};
use crate::image::listing::Listing;
use crate::image::tree::{Node, Tree};
use crate::root::elf::tests::program;
use crate::root::sample;
use crate::root::view::NO_PACKAGES;

const PATH: &str = "/usr/bin:/bin";

/// An image of files by path; those below a package are its content.
struct Image {
    tree: Tree,
    packages: BTreeMap<StorePath, Listing>,
    contents: BTreeMap<ImagePath, Vec<u8>>,
}

impl Image {
    fn new(files: &[(&str, &str)]) -> Self {
        Self { tree: sample::tree(files), packages: BTreeMap::new(), contents: BTreeMap::new() }
    }

    /// Adds a program to the tree.
    fn program(mut self, path: &str, bytes: Vec<u8>) -> Self {
        let (path, mut one) = (ImagePath::new(path.as_bytes()).unwrap(), sample::tree(&[(path, "x")]));
        one.get_mut(&path).unwrap().1 = Node::File(bytes);
        one.retain(|path, _| !self.tree.contains_key(path));
        self.tree.extend(one);
        self
    }

    fn package(mut self, name: &str, path: &str, bytes: Vec<u8>) -> Self {
        let text = format!("{}{}", if bytes.is_empty() { "" } else { "#!" }, " ".repeat(bytes.len().saturating_sub(2)));
        let (store_path, listing) = sample::package(name, &[(path, &text)]);
        let inner = ImagePath::new(path.as_bytes()).unwrap();
        self.contents.insert(ImagePath::from(&store_path).append(&inner), bytes);
        self.packages.insert(store_path, listing);
        self
    }

    fn check(&self, machine: &Machine, locals: &BTreeMap<String, StorePath>) -> Vec<String> {
        let read = |path: &ImagePath, offset: u64, length: usize| {
            let content = self.contents.get(path).map(|content| {
                let start = usize::try_from(offset).unwrap().min(content.len());
                content[start..(start + length).min(content.len())].to_vec()
            });
            Ok(content)
        };
        let tree = [&self.tree];
        let found = check(&Check {
            machine,
            system: System::X86_64Linux,
            view: View { trees: &tree, packages: &self.packages, merged: &NO_PACKAGES },
            supplies: &Supplies::default(),
            locals,
            lookup: &|name| self.packages.keys().find(|path| path.name() == name).cloned(),
            path: PATH,
            read: &read,
        });
        found.into_iter().map(|diagnostic| diagnostic.message).collect()
    }

    fn entrypoint(&self, command: &str) -> Vec<String> {
        let mut machine = sample::machine();
        machine.users.clear();
        machine.entrypoint = Some(sample::unit(&[command], RunAs::Root));
        self.check(&machine, &BTreeMap::new())
    }
}

fn only(messages: Vec<String>) -> String {
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.into_iter().next().unwrap()
}

#[test]
fn commands_are_looked_for_on_path() {
    let image = Image::new(&[("bin/data", "text"), ("usr/bin/gone", "-> nowhere")])
        .program("bin/web", program(62, None))
        .program("usr/bin/other", program(62, None));
    assert_eq!(image.entrypoint("web"), Vec::<String>::new());
    assert_eq!(image.entrypoint("/bin/web"), Vec::<String>::new());
    assert_eq!(only(image.entrypoint("absent")), "the entrypoint can't start: `absent` is not on PATH");
    assert_eq!(only(image.entrypoint("data")), "the entrypoint can't start: `data` is not on PATH");
    assert_eq!(only(image.entrypoint("gone")), "the entrypoint can't start: `gone` is not on PATH");
    assert_eq!(only(image.entrypoint("/bin/data")), "the entrypoint can't start: `/bin/data` is not executable");
    assert_eq!(only(image.entrypoint("/bin")), "the entrypoint can't start: `/bin` is a folder");
    assert_eq!(
        only(image.entrypoint("/usr/bin/gone")),
        "the entrypoint can't start: `/usr/bin/gone` does not exist in the image"
    );
    assert_eq!(only(image.entrypoint("bin/web")), "the entrypoint can't start: `bin/web` is a relative path");
}

#[test]
fn interpreters_must_be_there() {
    let image = Image::new(&[
        ("bin/loop", "#!/bin/loop"),
        ("bin/lost", "#!/bin/lua\n"),
        ("bin/windows", "#!/bin/sh\r\n"),
        ("bin/relative", "#! python3\n"),
        ("bin/nothing", "#! \n"),
        ("bin/good", "#! /bin/sh -e\n"),
        ("bin/by-env", "#!/usr/bin/env -S sh -e\n"),
        ("bin/by-env-lost", "#!/usr/bin/env perl\n"),
    ])
    .program("bin/sh", program(62, Some("/lib64/ld.so")))
    .program("usr/bin/env", program(62, None))
    .program("lib64/ld.so", program(62, None))
    .program("bin/unlinked", program(62, Some("/lib/ld-gone.so")))
    .program("bin/text", b"no program".to_vec());
    let fault = |name: &str| {
        let message = only(image.entrypoint(name));
        message.split_once(&format!("`{name}` ")).unwrap().1.to_owned()
    };
    assert_eq!(image.entrypoint("good"), Vec::<String>::new());
    assert_eq!(image.entrypoint("by-env"), Vec::<String>::new());
    assert_eq!(fault("lost"), "is a script of `/bin/lua`, which does not exist in the image");
    assert_eq!(fault("by-env-lost"), "is a script of `perl`, which is not on PATH");
    assert_eq!(fault("windows"), "is a script with Windows line ends");
    assert_eq!(fault("relative"), "is a script of `python3`, which is no absolute path");
    assert_eq!(fault("nothing"), "begins with `#!` and names no interpreter");
    assert_eq!(fault("unlinked"), "is loaded by `/lib/ld-gone.so`, which does not exist in the image");
    assert_eq!(fault("text"), "is neither an ELF program nor a script that begins with `#!`");
    assert!(fault("loop").ends_with("is interpreted by too long a chain of scripts"));
}

#[test]
fn programs_are_for_the_images_system() {
    let image = Image::new(&[]).program("bin/arm", program(183, None)).program("bin/cut", b"\x7fELF".to_vec());
    let message = only(image.entrypoint("arm"));
    assert!(message.ends_with("`arm` is for aarch64-linux, the image for x86_64-linux"), "{message}");
    assert!(only(image.entrypoint("cut")).ends_with("is damaged: it is cut off"));
}

#[test]
fn packages_are_followed_and_read_where_they_are_at_hand() {
    let glibc = sample::store_path("glibc");
    let git = sample::store_path("git");
    let linker = format!("{glibc}/lib/ld.so");
    let mut image =
        Image::new(&[("bin/git", &format!("-> {git}/bin/git"))]).package("git", "bin/git", program(62, Some(&linker)));
    assert!(
        only(image.entrypoint("git")).ends_with(&format!("is loaded by `{linker}`, which does not exist in the image"))
    );
    image = image.package("glibc", "lib/ld.so", program(62, None));
    assert_eq!(image.entrypoint("git"), Vec::<String>::new());
    image.contents.clear();
    assert_eq!(image.entrypoint("git"), Vec::<String>::new());
    let mut machine = sample::machine();
    let part = |name: &str| crate::config::Part::Package(name.to_owned());
    let template =
        |name| Template { parts: vec![part(name), crate::config::Part::Text("/bin/git".to_owned())], place: None };
    let mut unit = sample::unit(&["git"], RunAs::Root);
    unit.command = vec![Argument::Text(template("git"))];
    unit.ready = Some(Ready::Command(vec![Argument::Text(template("unrequested"))]));
    machine.daemons.insert("sync".to_owned(), unit);
    let messages = image.check(&machine, &BTreeMap::new());
    assert_eq!(messages[0], "`${pkgs.unrequested}` names a package that is not requested");
    assert!(
        messages[1].starts_with("user `alice` can't log in: the shell `/etc/profiles/system/bin/bash`"),
        "{messages:?}"
    );
    assert_eq!(messages.len(), 2);
}

#[test]
fn the_projects_own_programs_are_looked_at() {
    let mut image = Image::new(&[]).package("dist", "bin/tool", b"#!/bin/gone\n".to_vec());
    image = image.package("web", "", program(183, None));
    let locals = BTreeMap::from([
        ("./dist".to_owned(), sample::store_path("dist")),
        ("./bin/web".to_owned(), sample::store_path("web")),
    ]);
    let mut machine = sample::machine();
    machine.users.clear();
    let request =
        |text: &str| Request { text: text.to_owned(), kind: RequestKind::Local(text.to_owned()), place: None };
    machine.packages = vec![request("./dist"), request("./dist")];
    let mut unit = sample::unit(&["x"], RunAs::Root);
    unit.command = vec![Argument::Local { path: "./bin/web".to_owned(), place: None }];
    machine.entrypoint = Some(unit);
    assert_eq!(
        image.check(&machine, &locals),
        [
            "the entrypoint can't start: `./bin/web` is for aarch64-linux, the image for x86_64-linux",
            "`./dist/bin/tool` is a script of `/bin/gone`, which does not exist in the image",
        ]
    );
}

#[test]
fn a_whole_machine_is_checked_as_it_is_generated() {
    let project = tempfile::tempdir().unwrap();
    std::fs::write(project.path().join("web"), program(62, Some("/lib/ld.so"))).unwrap();
    std::fs::set_permissions(project.path().join("web"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut machine = sample::machine();
    machine.project = project.path().to_owned();
    machine.users.clear();
    let mut unit = sample::unit(&["x"], RunAs::Root);
    unit.command = vec![Argument::Local { path: "./web".to_owned(), place: None }];
    machine.entrypoint = Some(unit);
    machine.files = vec![crate::config::FileEntry {
        target: "/usr/bin/job".to_owned(),
        content: FileContent::Text(Template::literal("#!/bin/absent\n")),
        mode: Some(0o755),
        owner: crate::config::FileOwner::default(),
        exclude: Vec::new(),
        place: None,
    }];
    machine.daemons.insert("job".to_owned(), sample::unit(&["job"], RunAs::Root));
    let web = crate::root::local::local_tree(project.path(), "./web", &[]).unwrap();
    let declared = crate::root::files::overlay::declared_files(&machine, &|_| None).unwrap();
    let packages = BTreeMap::from([(web.path.clone(), web.listing().unwrap())]);
    let trees = [&web.tree, &declared[0].tree];
    let found = check(&Check {
        machine: &machine,
        system: System::X86_64Linux,
        view: View { trees: &trees, packages: &packages, merged: &NO_PACKAGES },
        supplies: &Supplies::default(),
        locals: &BTreeMap::from([("./web".to_owned(), web.path.clone())]),
        lookup: &|_| None,
        path: PATH,
        read: &|path, _, _| panic!("{path} is at hand"),
    });
    let messages: Vec<_> = found.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the entrypoint can't start: `./web` is loaded by `/lib/ld.so`, which does not exist in the image",
            "daemon `job` can't start: `job` is a script of `/bin/absent`, which does not exist in the image",
        ]
    );
}
