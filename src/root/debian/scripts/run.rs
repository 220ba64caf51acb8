//! Runs a script without its commands: what can't be known is followed both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::image::ImagePath;

use super::super::{Action, Package};
use super::state::{State, Value};
use super::syntax::{Block, Command, Joint, Kind, Pipeline, Statement, Word};
use super::ways::Way;

/// So many commands and pieces of work; what comes behind isn't looked at.
const MOST_STEPS: usize = 400_000;

/// Commands within commands, functions included.
const DEEPEST: usize = 90;

/// How a command hands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break(usize),
    Continue(usize),
    Return,
    Exit,
}

/// What `read` and filters read.
#[derive(Debug, Clone, Default)]
pub(super) enum Input {
    #[default]
    Unknown,
    Text(String),
}

/// A script on its way.
pub(super) struct Runner<'a> {
    pub(super) package: &'a Package<'a>,
    /// The machine's: `amd64`.
    pub(super) architecture: &'a str,
    pub(super) exists: &'a dyn Fn(&ImagePath) -> bool,
    /// `preinst` or `postinst`.
    pub(super) script: &'static str,
    pub(super) lines: Vec<&'a str>,
    pub(super) documents: Arc<Vec<Word>>,
    pub(super) state: State,
    pub(super) actions: Vec<Action>,
    /// Copies that nobody keeps: path and what was copied.
    pub(super) copies: BTreeMap<String, String>,
    /// Whether a command was explained away since the last redirection.
    pub(super) was_explained: bool,
    /// Whether commands run as root.
    pub(super) is_root: bool,
    /// How many temporary files were asked for.
    pub(super) temporary: usize,
    /// Links that were made: path and target.
    pub(super) links: BTreeMap<String, String>,
    /// What `dpkg-statoverride` knows, as it was written.
    pub(super) overrides: BTreeSet<String>,
    /// What `dpkg-divert` knows: path and where to.
    pub(super) diverted: BTreeMap<String, String>,
    /// What the commands print, where somebody reads it.
    pub(super) output: Option<Value>,
    pub(super) input: Input,
    /// Whether the last command succeeded, where that is known.
    pub(super) status: Option<bool>,
    /// Answers of debconf's templates.
    pub(super) answers: BTreeMap<String, String>,
    /// The line of the command that runs.
    pub(super) line: usize,
    /// Variables that `local` hid, with what they were.
    pub(super) locals: Vec<(String, Option<Value>)>,
    steps: usize,
    pub(super) depth: usize,
}

impl<'a> Runner<'a> {
    pub(super) fn new(package: &'a Package<'a>, architecture: &'a str, exists: &'a dyn Fn(&ImagePath) -> bool) -> Self {
        Self {
            package,
            architecture,
            exists,
            script: "preinst",
            lines: Vec::new(),
            documents: Arc::default(),
            state: State::default(),
            actions: Vec::new(),
            copies: BTreeMap::new(),
            was_explained: false,
            is_root: true,
            temporary: 0,
            links: BTreeMap::new(),
            overrides: BTreeSet::new(),
            diverted: BTreeMap::new(),
            output: None,
            input: Input::Unknown,
            status: Some(true),
            answers: super::debconf::answers(package),
            line: 1,
            locals: Vec::new(),
            steps: 0,
            depth: 0,
        }
    }

    /// Counts work.
    pub(super) fn spend(&mut self, steps: usize) {
        self.steps = self.steps.saturating_add(steps);
    }

    /// Whether more was done than any honest script asks for.
    pub(super) fn is_spent(&self) -> bool {
        self.steps > MOST_STEPS
    }

    pub(super) fn block(&mut self, block: &Block) -> Flow {
        self.status = Some(true);
        for statement in block {
            let flow = self.statement(statement);
            if flow != Flow::Next {
                return flow;
            }
        }
        Flow::Next
    }

    fn statement(&mut self, statement: &Statement) -> Flow {
        let mut flow = self.pipeline(&statement.first);
        for (joint, pipeline) in &statement.rest {
            if flow != Flow::Next {
                return flow;
            }
            flow = match (joint, self.status) {
                (Joint::And, Some(true)) | (Joint::Or, Some(false)) => self.pipeline(pipeline),
                (_, Some(_)) => Flow::Next,
                (joint, None) => self.ways(vec![Way::Pipeline(pipeline), Way::Nothing(*joint == Joint::Or)]),
            };
        }
        flow
    }

    pub(super) fn pipeline(&mut self, pipeline: &Pipeline) -> Flow {
        let mut flow = Flow::Next;
        // A single command reads on where the last one stopped.
        let before = (pipeline.commands.len() > 1).then(|| self.input.clone());
        if let Some((last, others)) = pipeline.commands.split_last() {
            for command in others {
                let output = self.captured(|runner| runner.command(command));
                self.input = output.map_or(Input::Unknown, Input::Text);
            }
            flow = self.command(last);
        }
        if let Some(before) = before {
            self.input = before;
        }
        if pipeline.negated {
            self.status = self.status.map(|success| !success);
        }
        flow
    }

    /// Runs `body`, and takes what it prints.
    pub(super) fn captured(&mut self, body: impl FnOnce(&mut Self) -> Flow) -> Value {
        let outer = self.output.replace(Some(String::new()));
        body(self);
        let output = std::mem::replace(&mut self.output, outer);
        output.flatten()
    }

    /// Prints `text`.
    pub(super) fn print(&mut self, text: &Value) {
        if let Some(output) = &mut self.output {
            match (output.as_mut(), text) {
                (Some(output), Some(text)) if output.len() + text.len() <= super::LARGEST => output.push_str(text),
                _ => *output = None,
            }
            self.steps = self.steps.saturating_add(text.as_ref().map_or(0, String::len) / 1024);
        }
    }

    /// One level deeper; `false`: too deep, or too much work. The caller takes it back.
    pub(super) fn enter(&mut self) -> bool {
        self.spend(1);
        if self.is_spent() || self.depth >= DEEPEST {
            self.spend(MOST_STEPS);
            return false;
        }
        self.depth += 1;
        true
    }

    pub(super) fn command(&mut self, command: &Command) -> Flow {
        if !self.enter() {
            return Flow::Exit;
        }
        self.line = command.line;
        let flow = if command.redirects.is_empty() { self.bare(command) } else { self.redirected(command) };
        self.depth -= 1;
        flow
    }

    /// Runs a command whose redirections are seen to.
    pub(super) fn bare(&mut self, command: &Command) -> Flow {
        match &command.kind {
            Kind::Simple { assignments, words } => self.simple(assignments, words),
            Kind::If { arms, otherwise } => self.arms(arms, otherwise),
            Kind::Case { subject, arms } => self.case(subject, arms),
            Kind::For { name, items, body } => self.iterate(name, items.as_deref(), body),
            Kind::Loop { condition, body, until } => self.repeat(condition, body, *until),
            Kind::Group(block) => self.block(block),
            Kind::Subshell(block) => {
                let folder = self.state.folder.clone();
                self.block(block);
                self.state.folder = folder;
                Flow::Next
            }
            Kind::Function { name, body } => {
                self.state.functions.insert(name.clone(), Arc::clone(body));
                self.status = Some(true);
                Flow::Next
            }
        }
    }

    /// Calls a function.
    pub(super) fn call(&mut self, body: &Arc<Command>, arguments: Vec<Value>) -> Flow {
        let outer = std::mem::replace(&mut self.state.arguments, arguments);
        let mark = self.locals.len();
        let flow = self.command(body);
        self.forget_locals(mark);
        self.state.arguments = outer;
        if matches!(flow, Flow::Exit) { flow } else { Flow::Next }
    }
}
