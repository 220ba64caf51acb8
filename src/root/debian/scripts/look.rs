//! Commands that look at files: `ls`, `stat`, `find`, and `xargs` behind it.

use super::options::Options;
use super::run::Runner;
use super::state::Value;

impl Runner<'_> {
    /// `ls`: of what isn't there, nothing.
    pub(super) fn ls(&mut self, arguments: &[Value]) -> Option<bool> {
        let paths = arguments.iter().filter(|argument| !argument.as_deref().is_some_and(|text| text.starts_with('-')));
        let stands = paths.map(|path| self.stands(path.as_deref()?)).collect::<Vec<_>>();
        if !stands.is_empty() && stands.iter().all(|stands| *stands == Some(false)) {
            return Some(false);
        }
        let is_long = arguments.iter().flatten().any(|text| text.starts_with('-') && text.contains('n'));
        let line = match arguments.last().and_then(Option::as_deref) {
            // Links, owner and group of a file that root has; nobody asks for the rest.
            Some(path) if is_long && stands == [Some(true)] => {
                let owner = self
                    .absolute(path)
                    .and_then(|path| self.own(&path))
                    .map_or((0, 0), |own| (own.metadata.uid, own.metadata.gid));
                Some(format!("- 1 {} {} - {path}\n", owner.0, owner.1))
            }
            _ => None,
        };
        self.print(&line);
        if stands.iter().all(|stands| *stands == Some(true)) { Some(true) } else { None }
    }

    /// `stat -c %a`: mode and owners of what the package has or made.
    pub(super) fn stat(&mut self, arguments: &[Value]) -> Option<bool> {
        let options = Options::parse(arguments, &["-c", "--format", "--printf"]);
        let answer = options.and_then(|options| {
            let [path] = &options.rest()[..] else { return None };
            let path = self.absolute(path)?;
            // Debian's own rule for what no package has.
            let is_local = path == "/usr/local" || path.starts_with("/usr/local/");
            let mode = self.mode_of(&path).or(is_local.then_some(0o755))?;
            let is_roots = self.own(&path).map_or(is_local, |own| own.metadata.uid == 0 && own.metadata.gid == 0);
            match (options.value(&["-c", "--format"])?, is_roots) {
                ("%a" | "0%a", _) => Some(format!("{mode:o}\n")),
                ("%u" | "%g", true) => Some("0\n".to_owned()),
                ("%U" | "%G", true) => Some("root\n".to_owned()),
                ("%U:%G", true) => Some("root:root\n".to_owned()),
                _ => None,
            }
        });
        self.print(&answer);
        answer.is_some().then_some(true)
    }

    /// `seq`: a row of numbers.
    pub(super) fn seq(&mut self, arguments: &[Value]) -> bool {
        let numbers = arguments.iter().map(|number| number.as_deref()?.parse::<i64>().ok()).collect::<Option<Vec<_>>>();
        let (first, step, last) = match numbers.as_deref() {
            Some([last]) => (1, 1, *last),
            Some([first, last]) => (*first, 1, *last),
            Some([first, step, last]) => (*first, *step, *last),
            _ => (0, 0, 0),
        };
        let count =
            (last.checked_sub(first)).and_then(|span| span.checked_div(step)).filter(|count| (0..1000).contains(count));
        let row = count
            .map(|count| (0..=count).flat_map(|index| [(first + index * step).to_string(), "\n".to_owned()]).collect());
        self.print(&row);
        true
    }

    /// `find`: where nothing stands, nothing is done; without deeds it only looks.
    pub(super) fn find(&mut self, arguments: &[Value]) -> Option<bool> {
        let is_start =
            |argument: &&Value| !matches!(argument.as_deref(), Some(text) if text.starts_with(['-', '!', '(']));
        let starts = arguments.iter().take_while(is_start).cloned().collect::<Vec<_>>();
        let has = |names: &[&str]| arguments.iter().flatten().any(|argument| names.contains(&argument.as_str()));
        let stands = |path: &Value| path.as_deref().and_then(|path| self.stands(path));
        if !starts.is_empty() && starts.iter().all(|path| stands(path) == Some(false)) {
            return Some(false);
        }
        if has(&["-delete"]) && has(&["-empty"]) {
            self.explain("find", super::explained::HISTORY);
            return Some(true);
        }
        if has(&["-exec", "-execdir", "-delete", "-ok", "-okdir"])
            || arguments.iter().any(Option::is_none) && !has(&["-print0"])
        {
            return self.unknown();
        }
        let found = if has(&["!", "-not"]) && has(&["-user", "-uid", "-group", "-gid"]) {
            self.alone(&starts, has(&["0", "root"]))
        } else {
            None
        };
        self.print(&found);
        Some(true)
    }

    /// Folders that the script made a moment ago hold nothing: what they are asked for, they are themselves.
    /// What root has in the package isn't found by whoever looks for what root hasn't.
    fn alone(&self, starts: &[Value], of_root: bool) -> Value {
        let path = |start: &Value| {
            let path = self.absolute(start.as_deref()?)?;
            let prefix = path.trim_start_matches('/').to_owned() + "/";
            let entries = self.package.listing.entries().iter();
            let mut below = entries.filter(|entry| entry.path.as_bytes().starts_with(prefix.as_bytes()));
            if of_root && below.all(|entry| entry.metadata.uid == 0 && entry.metadata.gid == 0) {
                return Some(String::new());
            }
            let is_new = self.state.changed.get(&path) == Some(&Some(true)) && self.own(&path).is_none();
            is_new.then(|| path + "\0")
        };
        starts.iter().map(path).collect()
    }

    /// `xargs`: a command with what is read for arguments.
    pub(super) fn xargs(&mut self, arguments: &[Value]) -> Option<bool> {
        let start =
            arguments.iter().position(|argument| !argument.as_deref().is_some_and(|text| text.starts_with('-')));
        let Some(command) = start.and_then(|start| arguments.get(start..)) else { return self.unknown() };
        let Some(input) = self.standard_input() else { return self.unknown() };
        let more = input.split(|c: char| c == '\0' || c.is_whitespace()).filter(|word| !word.is_empty());
        let mut fields = command.to_vec();
        fields.extend(more.map(|word| Some(word.to_owned())));
        if fields.len() > command.len() {
            self.spend(fields.len());
            self.dispatch(&fields);
            return self.status;
        }
        Some(true)
    }
}
