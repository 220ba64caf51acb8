//! Commands that print, and filters.

use super::options::Options;
use super::run::{Input, Runner};
use super::state::Value;

impl Runner<'_> {
    pub(super) fn echo(&mut self, arguments: &[Value]) -> bool {
        let mut arguments = arguments;
        let mut end = "\n";
        while let [Some(first), rest @ ..] = arguments
            && matches!(first.as_str(), "-n" | "-e" | "-ne" | "-en")
        {
            end = if first.contains('n') { "" } else { end };
            arguments = rest;
        }
        let texts = arguments.iter().cloned().collect::<Option<Vec<_>>>();
        self.print(&texts.map(|texts| texts.join(" ") + end));
        true
    }

    pub(super) fn printf(&mut self, arguments: &[Value]) -> bool {
        let texts = arguments.iter().map(Option::as_deref).collect::<Option<Vec<_>>>();
        let text = texts.and_then(|texts| formatted(&texts));
        self.print(&text);
        true
    }

    pub(super) fn cat(&mut self, arguments: &[Value]) -> bool {
        if arguments.is_empty() || arguments == [Some("-".to_owned())] {
            let text = self.standard_input();
            self.print(&text);
            return true;
        }
        for path in arguments {
            let (text, stands) = match path {
                Some(path) => (self.content(path), self.stands(path)),
                None => (None, None),
            };
            if stands == Some(false) {
                return false;
            }
            self.print(&text);
        }
        true
    }

    /// `basename`, `dirname`.
    pub(super) fn name_of(&mut self, directory: bool, arguments: &[Value]) -> bool {
        let answer = match arguments {
            [Some(path), suffix @ ..] => {
                let path = path.trim_end_matches('/');
                let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
                let suffix = suffix.first().and_then(Option::as_deref).unwrap_or_default();
                let name = name.strip_suffix(suffix).unwrap_or(name);
                let folder = if folder.is_empty() { "/" } else { folder };
                Some(format!("{}\n", if directory { folder } else { name }))
            }
            _ => None,
        };
        self.print(&answer);
        true
    }

    /// `read NAME…`: a line, where the input is known.
    pub(super) fn read(&mut self, arguments: &[Value]) -> Option<bool> {
        let options = Options::parse(arguments, &["-p", "-t", "-d", "-n", "-u"])?;
        let Input::Text(text) = &mut self.input else {
            for name in options.rest() {
                self.state.set(name, None);
            }
            return None;
        };
        let is_over = text.is_empty();
        let end = text.find('\n').map_or(text.len(), |end| end + 1);
        let line = text.drain(..end).collect::<String>();
        self.spend(1 + end / 256);
        let mut rest = line.trim();
        let names = options.rest();
        for (index, name) in names.iter().enumerate() {
            let (first, others) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
            let is_last = index + 1 == names.len();
            self.state.set(name, Some(if is_last { rest } else { first }.to_owned()));
            rest = others.trim_start();
        }
        Some(!is_over)
    }

    /// `grep`: of what the script has written or printed; nothing is found in nothing.
    pub(super) fn grep(&mut self, arguments: &[Value]) -> Option<bool> {
        let options = Options::parse(arguments, &["-e", "-m", "-A", "-B", "-C", "--regexp"]);
        let files = options.as_ref().map(|options| {
            let rest = options.rest();
            let has_pattern = options.has(&["-e", "--regexp"]);
            rest.get(usize::from(!has_pattern)..)
                .unwrap_or_default()
                .iter()
                .map(|path| (*path).to_owned())
                .collect::<Vec<_>>()
        });
        let is_quiet = options.as_ref().is_some_and(|options| options.has(&["-q", "--quiet", "-c"]));
        let text = match files.as_deref() {
            Some([]) => self.standard_input(),
            Some([path]) if self.stands(path) == Some(false) => Some(String::new()),
            Some([path]) => self.content(path),
            _ => None,
        };
        if text.as_deref().is_some_and(str::is_empty) {
            return Some(false);
        }
        let found = text.zip(options).and_then(|(text, options)| self.found(&text, &options));
        if !is_quiet && found != Some(false) {
            self.print(&None);
        }
        found
    }

    /// Whether a plain text is in another, line by line; `None` where the pattern is more than that.
    fn found(&mut self, text: &str, options: &Options) -> Option<bool> {
        let rest = options.rest();
        let pattern = options.value(&["-e", "--regexp"]).or(rest.first().copied())?;
        let is_fixed = options.has(&["-F"]);
        let whole = options.has(&["-x"]);
        let start = whole || (!is_fixed && pattern.starts_with('^'));
        let end = whole || (!is_fixed && pattern.ends_with('$'));
        let by_words = options.has(&["-w"]);
        let plain = if is_fixed { pattern } else { pattern.trim_start_matches('^').trim_end_matches('$') };
        let is_plain = is_fixed || !plain.contains(|c: char| ".*[]\\^$+?(){}|".contains(c));
        if !is_plain || options.has(&["-i", "-v"]) {
            return None;
        }
        self.spend(text.len() / 64);
        Some(text.lines().any(|line| match (start, end) {
            _ if by_words => line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == plain),
            (true, true) => line == plain,
            (true, false) => line.starts_with(plain),
            (false, true) => line.ends_with(plain),
            (false, false) => line.contains(plain),
        }))
    }

    /// A filter that nobody computes here: of nothing it makes nothing.
    pub(super) fn filter(&mut self, name: &str, arguments: &[Value]) -> Option<bool> {
        let input = self.standard_input();
        let changes_files =
            name == "sed" && arguments.iter().flatten().any(|text| text.starts_with("-i") || text == "--in-place");
        if changes_files {
            return self.edit(arguments);
        }
        if input.as_deref() == Some("") {
            self.print(&Some(if name == "wc" { "0\n".to_owned() } else { String::new() }));
            return Some(true);
        }
        let texts = arguments.iter().map(Option::as_deref).collect::<Option<Vec<_>>>();
        let changed = match (name, input, texts.as_deref()) {
            ("sed", Some(text), Some([.., script])) => substituted(&text, script),
            ("awk", Some(text), Some([program])) => column(&text, program),
            ("cut", Some(text), Some(_)) => cut(&text, arguments),
            ("tr", Some(text), Some(["[:upper:]" | "A-Z", "[:lower:]" | "a-z"])) => Some(text.to_lowercase()),
            _ => None,
        };
        self.print(&changed);
        if changed.is_some() { Some(true) } else { None }
    }

    /// `sed -i`: of files that aren't there, nothing.
    fn edit(&mut self, arguments: &[Value]) -> Option<bool> {
        let last = arguments.last().cloned().flatten();
        match last.map(|path| (self.stands(&path), self.absolute(&path))) {
            Some((Some(false), _)) => Some(false),
            Some((_, Some(path))) if super::paths::is_fleeting(&path) => {
                self.copies.remove(&path);
                self.state.contents.insert(path, None);
                Some(true)
            }
            _ => self.unknown(),
        }
    }
}

/// What `awk '{print $3}'` makes.
fn column(text: &str, program: &str) -> Option<String> {
    let number =
        program.trim().strip_prefix("{")?.strip_suffix("}")?.trim().strip_prefix("print")?.trim().strip_prefix('$')?;
    let index = number.parse::<usize>().ok()?.checked_sub(1)?;
    let words = text.lines().map(|line| line.split_whitespace().nth(index).unwrap_or_default());
    Some(words.flat_map(|word| [word, "\n"]).collect())
}

/// What `cut -d: -f1` makes.
fn cut(text: &str, arguments: &[Value]) -> Option<String> {
    let options = Options::parse(arguments, &["-d", "--delimiter", "-f", "--fields"])?;
    let index = options.value(&["-f", "--fields"])?.parse::<usize>().ok()?.checked_sub(1)?;
    let separator = options.value(&["-d", "--delimiter"]).unwrap_or("\t");
    let field = |line: &str| {
        let field = line.split(separator).nth(index).unwrap_or_default();
        if line.contains(separator) { field.to_owned() } else { line.to_owned() }
    };
    (options.rest.is_empty() && !separator.is_empty()).then(|| text.lines().map(|line| field(line) + "\n").collect())
}

/// What `sed s/a/b/` makes, where `a` is plain text.
fn substituted(text: &str, script: &str) -> Option<String> {
    let rest = script.strip_prefix('s')?;
    let separator = rest.chars().next().filter(|c| !c.is_alphanumeric())?;
    let parts = rest.split(separator).collect::<Vec<_>>();
    let ["", from, to, flags @ ("" | "g")] = parts[..] else { return None };
    let is_plain = |text: &str| !text.contains(|c: char| ".*[]\\^$+?(){}|&".contains(c));
    if from.is_empty() || !is_plain(from) || !is_plain(to) {
        return None;
    }
    let replace = |line: &str| if flags == "g" { line.replace(from, to) } else { line.replacen(from, to, 1) };
    Some(text.lines().map(|line| replace(line) + "\n").collect())
}

/// `printf FORMAT TEXT…` with `%s` and `%d`; `None`: something else is asked for.
fn formatted(texts: &[&str]) -> Option<String> {
    let [format, arguments @ ..] = texts else { return None };
    let mut arguments = arguments.iter();
    let mut output = String::new();
    loop {
        let mut characters = format.chars();
        let before = arguments.len();
        while let Some(character) = characters.next() {
            match (character, character == '%' || character == '\\') {
                ('%', _) => match characters.next()? {
                    's' | 'd' | 'b' => output.push_str(arguments.next().unwrap_or(&"")),
                    '%' => output.push('%'),
                    _ => return None,
                },
                (_, true) => match characters.next()? {
                    'n' => output.push('\n'),
                    't' => output.push('\t'),
                    '\\' => output.push('\\'),
                    _ => return None,
                },
                _ => output.push(character),
            }
        }
        if arguments.len() == 0 || arguments.len() == before || output.len() > super::LARGEST {
            return Some(output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printf_repeats_its_format() {
        assert_eq!(formatted(&["%s\\n", "a", "b"]).as_deref(), Some("a\nb\n"));
        assert_eq!(formatted(&["x%%y"]).as_deref(), Some("x%y"));
        assert_eq!(formatted(&["%x", "1"]), None);
    }

    #[test]
    fn fields_are_cut() {
        let arguments = ["-d:", "-f2"].map(|text| Some(text.to_owned()));
        assert_eq!(cut("a:b:c\nplain\n", &arguments).as_deref(), Some("b\nplain\n"));
        assert_eq!(column("a b  c\n", "{print $3}").as_deref(), Some("c\n"));
        assert_eq!(column("a\n", "{print $0}"), None);
    }

    #[test]
    fn sed_replaces_plain_text_alone() {
        assert_eq!(substituted("a@V@b\n", "s/@V@/vim90/").as_deref(), Some("avim90b\n"));
        assert_eq!(substituted("aXbX\n", "s,X,/,g").as_deref(), Some("a/b/\n"));
        assert_eq!(substituted("ab\n", "s/a.*//"), None);
    }
}
