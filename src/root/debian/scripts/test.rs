//! `test`, `[` and `[[`: what is so on a fresh machine.

use std::cmp::Ordering;

use super::run::Runner;
use super::state::Value;

/// Conditions within conditions.
const DEEPEST: usize = 32;

const UNARY: &str = "abcdefghknoprstuvwxzGLNOS";
const BINARY: [&str; 13] = ["=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef", "=~"];

/// Reads arguments from left to right.
struct Condition<'r, 'a> {
    runner: &'r mut Runner<'a>,
    arguments: &'r [Value],
    at: usize,
    depth: usize,
    /// bash's double brackets: the right side of `=` is a pattern.
    doubled: bool,
}

impl Runner<'_> {
    /// What `[ arguments ]` says.
    pub(super) fn test(&mut self, arguments: &[Value], doubled: bool) -> Option<bool> {
        let mut condition = Condition { runner: self, arguments, at: 0, depth: 0, doubled };
        let result = condition.any();
        if condition.at < arguments.len() { None } else { result }
    }
}

impl Condition<'_, '_> {
    fn peek(&self, offset: usize) -> Option<&str> {
        self.arguments.get(self.at + offset)?.as_deref()
    }

    fn takes(&mut self, words: &[&str]) -> bool {
        let takes = self.peek(0).is_some_and(|next| words.contains(&next));
        self.at += usize::from(takes);
        takes
    }

    fn any(&mut self) -> Option<bool> {
        let mut result = self.all();
        while self.takes(&["-o", "||"]) {
            result = or(result, self.all());
        }
        result
    }

    fn all(&mut self) -> Option<bool> {
        let mut result = self.one();
        while self.takes(&["-a", "&&"]) {
            let next = self.one();
            result = or(result.map(|it| !it), next.map(|it| !it)).map(|it| !it);
        }
        result
    }

    fn one(&mut self) -> Option<bool> {
        let left = self.arguments.len() - self.at;
        self.runner.spend(1);
        if left == 0 {
            return Some(false);
        }
        if left >= 3 && self.peek(1).is_some_and(|next| BINARY.contains(&next)) {
            return self.binary();
        }
        if left >= 2 && self.takes(&["!"]) {
            return self.nested(Self::one).map(|it| !it);
        }
        if left >= 3 && self.takes(&["("]) {
            let result = self.nested(Self::any);
            return if self.takes(&[")"]) { result } else { None };
        }
        let operator = self.peek(0).and_then(|next| next.strip_prefix('-')).filter(|next| next.len() == 1);
        let operator = operator.and_then(|next| next.chars().next()).filter(|next| left >= 2 && UNARY.contains(*next));
        if let Some(letter) = operator {
            let operand = self.arguments.get(self.at + 1).cloned().flatten();
            self.at += 2;
            return self.unary(letter, operand?.as_str());
        }
        let text = self.peek(0).map(str::len);
        self.at += 1;
        text.map(|length| length > 0)
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Option<bool>) -> Option<bool> {
        self.depth += 1;
        let result = if self.depth > DEEPEST { None } else { inner(self) };
        self.depth -= 1;
        result
    }

    fn unary(&mut self, operator: char, operand: &str) -> Option<bool> {
        match operator {
            'n' => Some(!operand.is_empty()),
            'z' => Some(operand.is_empty()),
            _ if operand.is_empty() => Some(false),
            'e' | 'a' | 'r' | 'w' | 'x' | 's' => self.runner.stands(operand),
            'f' => self.runner.is_kind(operand, false),
            'd' => self.runner.is_kind(operand, true),
            'L' | 'h' => self.runner.is_link(operand),
            'v' => Some(self.runner.state.is_set(operand)),
            // Nobody sits at a terminal, and no sockets, pipes or devices stand in an image.
            't' | 'S' | 'p' | 'b' | 'c' => Some(false),
            'O' | 'G' => {
                let path = self.runner.absolute(operand)?;
                let is_changed = self.runner.mentions(&path);
                let is_roots = self.runner.own(&path).map(|own| own.metadata.uid == 0 && own.metadata.gid == 0);
                is_roots.filter(|_| !is_changed).map(|is_roots| is_roots == self.runner.is_root)
            }
            _ => {
                if self.runner.stands(operand) == Some(false) {
                    Some(false)
                } else {
                    None
                }
            }
        }
    }

    fn binary(&mut self) -> Option<bool> {
        let [one, operator, other] = [0, 1, 2].map(|offset| self.arguments.get(self.at + offset).cloned().flatten());
        self.at += 3;
        let (one, other) = (one?, other?);
        let numbers = || Some(one.trim().parse::<i64>().ok()?.cmp(&other.trim().parse().ok()?));
        match operator?.as_str() {
            "=" | "==" if self.doubled => self.runner.fits(Some(&other), Some(&one)),
            "!=" if self.doubled => self.runner.fits(Some(&other), Some(&one)).map(|it| !it),
            "=" | "==" => Some(one == other),
            "!=" => Some(one != other),
            "-eq" => numbers().map(Ordering::is_eq),
            "-ne" => numbers().map(Ordering::is_ne),
            "-lt" => numbers().map(Ordering::is_lt),
            "-le" => numbers().map(Ordering::is_le),
            "-gt" => numbers().map(Ordering::is_gt),
            "-ge" => numbers().map(Ordering::is_ge),
            "-nt" if self.runner.stands(&one) == Some(false) => Some(false),
            _ => None,
        }
    }
}

fn or(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}
