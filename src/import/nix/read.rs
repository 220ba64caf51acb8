//! From the syntax tree to literals. Which names mean packages follows Nix's own rule: what a function or `let` binds goes
//! before what `with` brings.

use std::collections::BTreeSet;
use std::ops::Range;

use rnix::ast::{
    self, AstToken as _, BinOpKind, Entry as NixEntry, Expr, HasEntry as _, InterpolPart, LiteralKind, UnaryOpKind,
};
use rnix::{Root, SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::value::{Entry, File, Leftover, Value};

/// Sets within sets, lists within lists.
const DEEPEST: usize = 48;

/// Outputs that nixpkgs has as attributes of a package.
const OUTPUTS: [&str; 10] = ["out", "bin", "dev", "lib", "man", "doc", "devdoc", "info", "debug", "static"];

/// What names mean at a place.
#[derive(Debug, Clone, Default)]
struct Scope {
    /// What the innermost `with` brings: `""` for `pkgs`, `python3Packages.` for that set. `None`: something else, or nothing.
    with: Option<String>,
    /// Names of functions' arguments and of `let`.
    bound: BTreeSet<String>,
    depth: usize,
}

/// Where it goes wrong, and why.
type Fault = (usize, String);

/// Reads a whole file.
pub(super) fn file(text: &str) -> Result<File, Fault> {
    let parsed = Root::parse(text);
    if let Some(error) = parsed.errors().first() {
        return Err((offset_of(error, text), "this is no Nix".to_owned()));
    }
    let root = parsed.tree();
    let mut file = File::default();
    let mut scope = Scope::default();
    let set = unwrap(root.expr(), &mut scope, &mut file.leftovers)?;
    file.entries = entries(&set, &scope, &mut file.leftovers);
    let tokens = root.syntax().descendants_with_tokens().filter_map(rnix::NodeOrToken::into_token);
    file.comments = tokens
        .filter(|token| token.kind() == SyntaxKind::TOKEN_COMMENT)
        .map(|token| range(token.text_range()))
        .collect();
    Ok(file)
}

fn offset_of(error: &rnix::ParseError, text: &str) -> usize {
    use rnix::ParseError as E;
    match error {
        E::Unexpected(at)
        | E::UnexpectedExtra(at)
        | E::UnexpectedWanted(_, at, _)
        | E::UnexpectedDoubleBind(at)
        | E::DuplicatedArgs(at, _) => at.start().into(),
        _ => text.len(),
    }
}

fn range(range: rnix::TextRange) -> Range<usize> {
    range.start().into()..range.end().into()
}

fn span(node: &SyntaxNode) -> Range<usize> {
    range(node.text_range())
}

/// The attribute set within functions, `let`, `with` and parentheses. What these bind is left over.
fn unwrap(mut expr: Option<Expr>, scope: &mut Scope, leftovers: &mut Vec<Leftover>) -> Result<ast::AttrSet, Fault> {
    for _ in 0..DEEPEST {
        expr = match expr {
            Some(Expr::AttrSet(set)) => return Ok(set),
            Some(Expr::Paren(paren)) => paren.expr(),
            Some(Expr::Lambda(function)) => {
                bind_parameter(&function, scope);
                function.body()
            }
            Some(Expr::With(with)) => {
                scope.with = with.namespace().and_then(|namespace| prefix(&namespace, scope));
                with.body()
            }
            Some(Expr::LetIn(bindings)) => {
                for entry in bindings.entries() {
                    bind(&entry, scope);
                    leave(leftovers, span(entry.syntax()), "nothing is evaluated: what `let` names is not put in");
                }
                bindings.body()
            }
            Some(Expr::Assert(assertion)) => {
                let condition = assertion.condition().map(|condition| span(condition.syntax())).unwrap_or_default();
                leave(leftovers, condition, "an assertion");
                assertion.body()
            }
            other => {
                let offset = other.map_or(0, |other| span(other.syntax()).start);
                return Err((offset, "the file is no attribute set, nor a function that gives one".to_owned()));
            }
        };
    }
    Err((0, "it is too deep".to_owned()))
}

fn leave(leftovers: &mut Vec<Leftover>, span: Range<usize>, why: &str) {
    leftovers.push(Leftover { span, why: why.to_owned() });
}

fn bind_parameter(function: &ast::Lambda, scope: &mut Scope) {
    match function.param() {
        Some(ast::Param::Pattern(pattern)) => {
            let names = pattern.pat_entries().filter_map(|entry| entry.ident());
            scope.bound.extend(names.map(|name| name.to_string()));
            scope.bound.extend(pattern.pat_bind().and_then(|bind| bind.ident()).map(|name| name.to_string()));
        }
        Some(ast::Param::IdentParam(name)) => scope.bound.extend(name.ident().map(|name| name.to_string())),
        None => {}
    }
}

fn bind(entry: &NixEntry, scope: &mut Scope) {
    match entry {
        NixEntry::AttrpathValue(value) => {
            let path = value.attrpath().and_then(|path| path.attrs().next());
            scope.bound.extend(path.and_then(|first| literal_name(&first)));
        }
        NixEntry::Inherit(inherit) => scope.bound.extend(inherit.attrs().filter_map(|name| literal_name(&name))),
    }
}

/// A segment of a path that is known as it stands.
fn literal_name(attribute: &ast::Attr) -> Option<String> {
    match attribute {
        ast::Attr::Ident(name) => Some(name.to_string()),
        ast::Attr::Str(text) => match text.normalized_parts().as_slice() {
            [] => Some(String::new()),
            [InterpolPart::Literal(text)] => Some(text.clone()),
            _ => None,
        },
        ast::Attr::Dynamic(_) => None,
    }
}

fn literal_path(path: &ast::Attrpath) -> Option<Vec<String>> {
    path.attrs().map(|name| literal_name(&name)).collect::<Option<Vec<_>>>().filter(|path| !path.is_empty())
}

/// What `with` this brings: `pkgs`, or a set in it.
fn prefix(namespace: &Expr, scope: &Scope) -> Option<String> {
    match namespace {
        Expr::Ident(name) if name.to_string() == "pkgs" => Some(String::new()),
        Expr::Paren(paren) => prefix(&paren.expr()?, scope),
        other => package(other, scope).map(|set| format!("{set}.")),
    }
}

/// The attributes of a set. What has no literal path, or is inherited, is left over.
fn entries(set: &ast::AttrSet, scope: &Scope, leftovers: &mut Vec<Leftover>) -> Vec<Entry> {
    let mut scope = Scope { depth: scope.depth + 1, ..scope.clone() };
    if set.rec_token().is_some() {
        set.entries().for_each(|entry| bind(&entry, &mut scope));
    }
    let mut all = Vec::new();
    for entry in set.entries() {
        let whole = span(entry.syntax());
        match entry {
            NixEntry::Inherit(_) => leave(leftovers, whole, "what is inherited is not looked up"),
            NixEntry::AttrpathValue(entry) => {
                let path = entry.attrpath().and_then(|path| literal_path(&path));
                match (path, entry.value()) {
                    (Some(path), Some(found)) => {
                        let value = match function_of_home(&path, &found, &scope, leftovers) {
                            Some(value) => value,
                            None => value(&found, &scope, leftovers),
                        };
                        all.push(Entry { path, value, span: whole });
                    }
                    _ => leave(leftovers, whole, "its name is computed"),
                }
            }
        }
    }
    all
}

/// A home may be a function, as modules are: what it gives counts.
fn function_of_home(path: &[String], expr: &Expr, scope: &Scope, leftovers: &mut Vec<Leftover>) -> Option<Value> {
    let is_home = path.last().is_some_and(|last| last == "home") && matches!(expr, Expr::Lambda(_));
    let mut inner = scope.clone();
    let set = is_home.then(|| unwrap(Some(expr.clone()), &mut inner, leftovers).ok())??;
    Some(Value::Set(entries(&set, &inner, leftovers)))
}

fn value(expr: &Expr, scope: &Scope, leftovers: &mut Vec<Leftover>) -> Value {
    let opaque = |why| Value::Opaque(why, span(expr.syntax()));
    if scope.depth > DEEPEST {
        return opaque("it is too deep");
    }
    let inner = || Scope { depth: scope.depth + 1, ..scope.clone() };
    match expr {
        Expr::Paren(paren) => match paren.expr() {
            Some(expr) => value(&expr, &inner(), leftovers),
            None => opaque("it is empty"),
        },
        Expr::Str(literal) => text(literal, scope).map_or_else(|| opaque("its text is put together"), Value::Text),
        Expr::Literal(literal) => number(literal).unwrap_or_else(|| opaque("no TOML has such a number")),
        Expr::UnaryOp(negated) if negated.operator() == Some(UnaryOpKind::Negate) => match negated.expr() {
            Some(Expr::Literal(literal)) => match number(&literal) {
                Some(Value::Integer(number)) => Value::Integer(-number),
                Some(Value::Float(number)) => Value::Float(-number),
                _ => opaque("no number"),
            },
            _ => opaque("it is computed"),
        },
        Expr::Ident(name) => ident(&name.to_string(), scope).unwrap_or_else(|| opaque("it names something else")),
        Expr::Select(_) => package(expr, scope).map_or_else(|| opaque("it names something else"), Value::Package),
        Expr::List(list) => Value::List(list.items().map(|item| value(&item, &inner(), leftovers)).collect()),
        Expr::AttrSet(set) => Value::Set(entries(set, scope, leftovers)),
        Expr::With(with) => {
            let with_prefix = with.namespace().and_then(|namespace| prefix(&namespace, scope));
            let scope = Scope { with: with_prefix, ..inner() };
            with.body().map_or_else(|| opaque("it is empty"), |body| value(&body, &scope, leftovers))
        }
        Expr::BinOp(sum) if sum.operator() == Some(BinOpKind::Concat) => {
            let parts = [sum.lhs(), sum.rhs()].into_iter().flatten();
            let parts = parts.map(|part| value(&part, &inner(), leftovers)).flat_map(|part| match part {
                Value::List(items) => items,
                other => vec![other],
            });
            Value::List(parts.collect())
        }
        Expr::PathRel(path) if path.parts().len() == 1 => Value::Text(path.to_string()),
        Expr::PathAbs(path) if path.parts().len() == 1 => Value::Text(path.to_string()),
        Expr::Apply(_) => opaque("functions are not called"),
        Expr::Lambda(_) => opaque("it is a function"),
        Expr::IfElse(_) => opaque("conditions are not evaluated"),
        Expr::LetIn(_) | Expr::LegacyLet(_) => opaque("`let` is not evaluated"),
        _ => opaque("it is computed"),
    }
}

fn number(literal: &ast::Literal) -> Option<Value> {
    match literal.kind() {
        LiteralKind::Integer(number) => number.syntax().text().parse().ok().map(Value::Integer),
        LiteralKind::Float(number) => number.syntax().text().parse().ok().map(Value::Float),
        LiteralKind::Uri(text) => Some(Value::Text(text.syntax().text().to_owned())),
    }
}

fn ident(name: &str, scope: &Scope) -> Option<Value> {
    if scope.bound.contains(name) {
        return None;
    }
    match name {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        _ => scope.with.as_ref().map(|with| Value::Package(format!("{with}{name}"))),
    }
}

/// The package that an expression names: `pkgs.git`, `pkgs.openssl.dev`, or a name that `with` brings.
fn package(expr: &Expr, scope: &Scope) -> Option<String> {
    let (base, mut path) = match expr {
        Expr::Ident(name) => (name.to_string(), Vec::new()),
        Expr::Select(select) if select.or_token().is_none() => match select.expr()? {
            Expr::Ident(name) => (name.to_string(), literal_path(&select.attrpath()?)?),
            _ => return None,
        },
        _ => return None,
    };
    let output = path.pop_if(|last| OUTPUTS.contains(&last.as_str()));
    let quoted = crate::channel::Attribute::from_segments(path).to_string();
    let parts: Vec<&str> = [base.as_str(), quoted.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
    let name = match &scope.with {
        _ if base == "pkgs" => quoted,
        Some(with) if !scope.bound.contains(&base) => format!("{with}{}", parts.join(".")),
        _ => return None,
    };
    let output = output.map(|output| format!("^{output}")).unwrap_or_default();
    (!name.is_empty()).then(|| format!("{name}{output}"))
}

/// Text in our own spelling. `None`: something else than a package is put in.
fn text(literal: &ast::Str, scope: &Scope) -> Option<String> {
    let mut all = String::new();
    for part in literal.normalized_parts() {
        match part {
            InterpolPart::Literal(text) => all += &text.replace("${pkgs.", "$${pkgs."),
            InterpolPart::Interpolation(interpolation) => {
                let name = package(&interpolation.expr()?, scope).filter(|name| !name.contains(['^', '}', '"']))?;
                all.extend(["${pkgs.", &name, "}"]);
            }
        }
    }
    Some(all)
}
