//! Reads revisions of dumbc.lock with the `git` program. The repository may be hostile: nothing of it is run.
//!
//! Only plumbing is asked, which reads objects and nothing else: no hooks, filters, text conversions, pagers or file system
//! monitors. What a partial clone lacks is not fetched.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::channel::{LOCK_FILE, Lock};

use super::count::{Builds, builds};

/// So many revisions are read, the newest first.
const REVISIONS: usize = 200;

/// Larger revisions are passed over.
const LARGEST: u64 = 32 << 20;

/// Bytes of all revisions that are read.
const MOST: u64 = 512 << 20;

/// Bytes of a line that git answers with.
const LINE: u64 = 4096;

/// How long git may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The history can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum GitError {
    /// There is no such program, or it can't be spoken to.
    #[error("git can't be asked")]
    Io(#[from] io::Error),
    /// This is no repository, has no commit, or belongs to somebody else.
    #[error("git has no history here")]
    Nothing,
    /// It takes too long.
    #[error("git took longer than {} seconds", PATIENCE.as_secs())]
    Slow,
}

/// The commits of the branch that changed the lock of `project`, the newest first.
pub(super) fn commits(project: &Path) -> Result<Vec<String>, GitError> {
    let limit = format!("--max-count={REVISIONS}");
    let mut git = git(project);
    git.args(["--literal-pathspecs", "rev-list", "--first-parent", &limit, "HEAD", "--", LOCK_FILE]);
    let mut child = git.stdin(Stdio::null()).spawn()?;
    let commits = within(&mut child, |output| {
        let lines = BufReader::new(output.take(REVISIONS as u64 * LINE)).lines();
        lines.collect::<io::Result<Vec<String>>>()
    })??;
    let is_name = |name: &String| matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !child.wait()?.success() || commits.is_empty() || !commits.iter().all(is_name) {
        return Err(GitError::Nothing);
    }
    Ok(commits)
}

/// What the lock had in each of `commits`; those whose lock can't be read are passed over.
pub(super) fn revisions(project: &Path, commits: &[String]) -> Result<Vec<Builds>, GitError> {
    let mut git = git(project);
    let mut child = git.args(["cat-file", "--batch"]).stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // So few names that they find room in the pipe.
        let wanted: Vec<String> = commits.iter().map(|commit| format!("{commit}:./{LOCK_FILE}\n")).collect();
        input.write_all(wanted.concat().as_bytes())?;
    }
    within(&mut child, move |output| {
        let mut output = BufReader::new(output);
        let mut room = MOST;
        let mut all = Vec::new();
        loop {
            match next(&mut output, &mut room)? {
                Answer::Text(text) => all.extend(Lock::parse(&text).ok().map(|lock| builds(&lock))),
                Answer::Unusable => {}
                Answer::End => break,
            }
        }
        Ok::<_, io::Error>(all)
    })?
    .map_err(GitError::from)
}

/// An answer of `cat-file --batch`.
enum Answer {
    Text(String),
    /// It is missing, no text, or too large.
    Unusable,
    /// There are no more, or enough was read.
    End,
}

/// The next answer; `room` is what may still be read.
fn next(output: &mut impl io::BufRead, room: &mut u64) -> io::Result<Answer> {
    let mut header = String::new();
    output.take(LINE).read_line(&mut header)?;
    let mut words = header.split_whitespace().skip(1);
    let (kind, size) = match (words.next(), words.next().map(str::parse::<u64>)) {
        (None, _) => return Ok(Answer::End),
        (Some(kind), Some(Ok(size))) => (kind, size),
        // `NAME missing`
        _ => return Ok(Answer::Unusable),
    };
    if size > *room {
        return Ok(Answer::End);
    }
    *room -= size;
    // A line feed follows.
    let mut content = output.take(size + 1);
    if kind != "blob" || size > LARGEST {
        io::copy(&mut content, &mut io::sink())?;
        return Ok(Answer::Unusable);
    }
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes)?;
    bytes.pop();
    Ok(String::from_utf8(bytes).map_or(Answer::Unusable, Answer::Text))
}

/// Has another thread read what `child` prints; a child that takes too long is ended, and so is its reader.
fn within<T: Send + 'static>(
    child: &mut Child,
    read: impl FnOnce(std::process::ChildStdout) -> T + Send + 'static,
) -> Result<T, GitError> {
    let output = child.stdout.take().ok_or(GitError::Nothing)?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(read(output));
    });
    let outcome = receiver.recv_timeout(PATIENCE).map_err(|_| GitError::Slow);
    if outcome.is_err() {
        child.kill()?;
    }
    child.wait()?;
    outcome
}

/// `git` in the project's folder, which runs nothing of the repository. Whose repository it is, is git's own question
/// (`safe.directory`).
fn git(project: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(project).arg("--no-pager").arg("--no-replace-objects");
    for setting in
        ["core.fsmonitor=false", "core.hooksPath=/dev/null", "log.showSignature=false", "protocol.allow=never"]
    {
        git.args(["-c", setting]);
    }
    // The folder says which repository is meant, whatever a hook that runs us has set.
    for variable in
        ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE"]
    {
        git.env_remove(variable);
    }
    let set = [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_ALLOW_PROTOCOL", "none"),
        ("LC_ALL", "C"),
    ];
    git.envs(set).stdout(Stdio::piped()).stderr(Stdio::null());
    git
}
