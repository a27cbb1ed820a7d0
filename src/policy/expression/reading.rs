//! From a source to a checked tree. The one file that names the `cel` crate, and only its parser.
//!
//! The parser neither checks types nor bounds what it reads, and needs much stack in debug builds: it runs on a thread with a
//! stack of its own, on a source of bounded length and nesting, and what it returns is walked here with a bound on depth.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use cel::parser::Parser;
use regex::RegexBuilder;

use super::super::money::{Currency, number};
use super::super::rule::closest;
use super::super::rule::{KindName, PATTERN_SIZE, Pattern};
use super::super::text::Folded;
use super::BadExpression;
use super::schema::{FIELDS, Field, Type};
use super::tree::{Amount, Logic, Order, Text, TextTest};

const LONGEST: usize = 4096;
const DEEPEST: usize = 24;
const MOST_PARTS: usize = 200;
const MOST_SEARCHES: usize = 20;
/// The stack of the thread that parses: a source at every bound takes less than a tenth of it in a debug build.
const STACK: usize = 256 << 20;

const FUNCTIONS: [&str; 7] = ["contains", "startsWith", "endsWith", "matches", "size", "lowerAscii", "has"];
const LOOPS: [&str; 5] = ["all", "exists", "exists_one", "map", "filter"];

type Checked<T> = Result<T, BadExpression>;

/// Reads and checks a source; returns the fields it looks at, too.
pub(super) fn read(source: &str) -> Checked<(Logic, Vec<Field>)> {
    bounded(source)?;
    let source = source.to_owned();
    let unread = || refused("this expression cannot be read", "", None);
    let thread = std::thread::Builder::new().name("expression".to_owned()).stack_size(STACK);
    let reader = thread.spawn(move || parsed(&source)).map_err(|_| unread())?;
    reader.join().unwrap_or_else(|_| Err(unread()))
}

fn parsed(source: &str) -> Checked<(Logic, Vec<Field>)> {
    let parser = Parser::new().max_recursion_depth(64).error_recovery_limit(1);
    let (root, info) = parser.parse_with_source_info(source).map_err(|errors| syntax(source, errors))?;
    let mut reader = Reader { source, info, parts: 0, searches: 0, reads: Vec::new() };
    let logic = match reader.value(&root, 0)? {
        Typed::Logic(logic) => logic,
        other => {
            return Err(reader.fault(&root, format!("an expression is true or false, this is {}", other.name()), ""));
        }
    };
    if reader.reads.is_empty() {
        return Err(refused("this expression looks at nothing of the event or session", &fields(""), None));
    }
    Ok((logic, reader.reads))
}

/// Refuses what the parser should not be bothered with.
fn bounded(source: &str) -> Checked<()> {
    if source.trim().is_empty() {
        return Err(refused("this expression is empty", "event.kind == \"step\" && event.amount > 500", None));
    }
    if source.len() > LONGEST {
        return Err(refused("this expression is longer than 4096 bytes", "split it over several rules", None));
    }
    let (mut depth, mut run) = (0usize, 0usize);
    let mut quote: Option<char> = None;
    let mut chars = source.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(open), _) => quote = (c != open).then_some(open),
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        run = if matches!(c, '!' | '-') { run + 1 } else { 0 };
        if depth > DEEPEST || run > DEEPEST {
            return Err(refused("this expression is nested too deeply", "at most 24 levels", Some(at..at + 1)));
        }
    }
    Ok(())
}

/// What the parser says, in words for people.
fn syntax(source: &str, errors: cel::ParseErrors) -> BadExpression {
    let Some(first) = errors.errors.first() else { return refused("this is no expression", "", None) };
    let (line, column) = (first.pos.0.max(1), usize::try_from(first.pos.1 - 1).unwrap_or_default());
    let lines = source.split_inclusive('\n').take(usize::try_from(line - 1).unwrap_or_default());
    let start: usize = lines.map(str::len).sum();
    let at = source[start..].char_indices().nth(column).map_or(source.len(), |(offset, _)| start + offset);
    let rest = &source[at..];
    let message = first.msg.trim_start_matches("Syntax error: ");
    let message = message.split(" expecting {").next().unwrap_or_default();
    let ends = message.contains("<EOF>") && rest.trim().is_empty();
    let message = if ends { "something is missing at its end" } else { message };
    let message = if message.contains("RecursionLimit") || message.contains("Recursion limit") {
        "nested too deeply"
    } else {
        message
    };
    let hint = match rest.split_whitespace().next().unwrap_or_default() {
        "and" | "AND" => "write && for and",
        "or" | "OR" => "write || for or",
        "not" | "NOT" => "write ! for not",
        word if word.starts_with('=') => "write == to compare",
        _ if rest.starts_with(['"', '\'']) && message.contains("token") => "this text is not closed",
        _ => "",
    };
    refused(
        &format!("this is no expression: {message}"),
        hint,
        Some(at..at + rest.chars().next().map_or(1, char::len_utf8)),
    )
}

fn refused(message: &str, hint: &str, range: Option<std::ops::Range<usize>>) -> BadExpression {
    BadExpression { message: message.to_owned(), hint: hint.to_owned(), range }
}

/// "fields are event.kind, …", of one owner or of both.
fn fields(owner: &str) -> String {
    let own = FIELDS.iter().filter(|(of, _, _)| owner.is_empty() || *of == owner);
    let names: Vec<String> = own.map(|(of, name, _)| format!("{of}.{name}")).collect();
    format!("fields are {}", names.join(", "))
}

/// A part of an expression with its type.
enum Typed {
    Logic(Logic),
    Text(Text),
    Amount(Amount),
    List(Vec<Typed>),
}

impl Typed {
    fn name(&self) -> &'static str {
        match self {
            Self::Logic(_) => "true or false",
            Self::Text(_) => "a text",
            Self::Amount(_) => "a number",
            Self::List(_) => "a list",
        }
    }
}

struct Reader<'s> {
    source: &'s str,
    info: SourceInfo,
    parts: usize,
    searches: usize,
    reads: Vec<Field>,
}

impl Reader<'_> {
    fn fault(&self, node: &IdedExpr, message: impl Into<String>, hint: &str) -> BadExpression {
        let range = self.info.offset_for(node.id).map(|(from, to)| from as usize..to as usize + 1);
        BadExpression {
            message: message.into(),
            hint: hint.to_owned(),
            range: range.map(|range| self.widened(node, range)),
        }
    }

    /// A selection and a call are known by their dot and their parenthesis: this is the name beside them.
    fn widened(&self, node: &IdedExpr, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
        let range = range.start.min(self.source.len())..range.end.min(self.source.len());
        let name = match &node.expr {
            Expr::Select(select) => {
                self.source[range.end..].find(&select.field).map(|at| (range.end + at, select.field.as_str()))
            }
            Expr::Call(call) => {
                self.source[..range.start].rfind(&call.func_name).map(|at| (at, call.func_name.as_str()))
            }
            Expr::Comprehension(_) => {
                let before = &self.source[..range.start];
                LOOPS.into_iter().find(|name| before.ends_with(name)).map(|name| (range.start - name.len(), name))
            }
            _ => None,
        };
        name.map_or(range, |(at, name)| at..at + name.len())
    }

    fn value(&mut self, node: &IdedExpr, depth: usize) -> Checked<Typed> {
        self.parts += 1;
        if depth > DEEPEST || self.parts > MOST_PARTS {
            return Err(self.fault(
                node,
                "this expression is too large",
                "at most 24 levels and 200 parts; split the rule",
            ));
        }
        match &node.expr {
            Expr::Literal(literal) => self.literal(node, literal),
            Expr::Ident(name) => Err(self.unknown(node, name)),
            Expr::Select(select) => {
                let Expr::Ident(owner) = &select.operand.expr else {
                    return Err(self.fault(node, format!("`{}` is no field", select.field), &fields("")));
                };
                let field = self.field(node, &select.operand, owner, &select.field)?;
                Ok(match (select.test, field.of()) {
                    (true, _) => Typed::Logic(Logic::Has(field)),
                    (false, Type::Bool) => Typed::Logic(Logic::Truncated),
                    (false, Type::Text) => Typed::Text(Text::Field(field)),
                    (false, Type::Number) => Typed::Amount(Amount::Event),
                })
            }
            Expr::Call(call) => self.call(node, call, depth + 1),
            Expr::List(list) => {
                let parts = list.elements.iter().map(|part| self.value(part, depth + 1));
                Ok(Typed::List(parts.collect::<Checked<_>>()?))
            }
            Expr::Comprehension(_) => Err(self.fault(node, LOOP, "write the cases out with || and &&")),
            Expr::Map(_) | Expr::Struct(_) => Err(self.fault(node, "maps and objects mean nothing here", "")),
            Expr::Unspecified => Err(self.fault(node, "this part cannot be read", "")),
        }
    }

    fn literal(&self, node: &IdedExpr, literal: &LiteralValue) -> Checked<Typed> {
        let number = |text: String| {
            let read = number::parse(&text, true).filter(|_| !text.starts_with('-'));
            let fault = || self.fault(node, "this number cannot be used", "0 or more, with at most 6 decimals");
            read.map(|number| Typed::Amount(Amount::Literal(number))).ok_or_else(fault)
        };
        match literal {
            LiteralValue::Boolean(value) => Ok(Typed::Logic(Logic::Constant(*value.inner()))),
            LiteralValue::String(text) => Ok(Typed::Text(Text::Literal(text.inner().to_owned()))),
            LiteralValue::Int(value) => number(value.inner().to_string()),
            LiteralValue::UInt(value) => number(value.inner().to_string()),
            LiteralValue::Double(value) => number(value.inner().to_string()),
            LiteralValue::Null => {
                Err(self.fault(node, "null means nothing here", "has(event.domain) is whether it is known"))
            }
            LiteralValue::Bytes(_) => Err(self.fault(node, "bytes mean nothing here", "write a text in quotes")),
        }
    }

    /// A name that stands alone.
    fn unknown(&self, node: &IdedExpr, name: &str) -> BadExpression {
        if name == "event" || name == "session" {
            return self.fault(node, format!("`{name}` stands alone"), &fields(name));
        }
        let own =
            FIELDS.iter().find(|(_, field, _)| *field == name).map(|(owner, field, _)| format!("{owner}.{field}"));
        let owner = closest(name, &["event", "session"]).map(str::to_owned);
        let hint = own.or(owner).map_or_else(|| fields(""), |known| format!("did you mean {known}?"));
        self.fault(node, format!("unknown name `{name}`"), &hint)
    }

    fn field(&mut self, node: &IdedExpr, operand: &IdedExpr, owner: &str, name: &str) -> Checked<Field> {
        let own: Vec<&str> = FIELDS.iter().filter(|(of, _, _)| *of == owner).map(|(_, name, _)| *name).collect();
        if own.is_empty() {
            return Err(self.unknown(operand, owner));
        }
        let Some((_, _, field)) = FIELDS.iter().find(|(of, known, _)| *of == owner && *known == name) else {
            let hint =
                closest(name, &own).map_or_else(|| fields(owner), |known| format!("did you mean {owner}.{known}?"));
            return Err(self.fault(node, format!("`{owner}` has no field `{name}`"), &hint));
        };
        self.reads.push(*field);
        Ok(*field)
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr, depth: usize) -> Checked<Typed> {
        let name = call.func_name.as_str();
        let operands: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let [one, rest @ ..] = operands.as_slice() else {
            return Err(self.fault(node, format!("`{name}` needs something to look at"), ""));
        };
        match (name, rest) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [other]) => {
                let parts = vec![self.logic(one, depth)?, self.logic(other, depth)?];
                Ok(Typed::Logic(if name == operators::LOGICAL_AND { Logic::All(parts) } else { Logic::Any(parts) }))
            }
            (operators::LOGICAL_NOT, []) => Ok(Typed::Logic(Logic::Not(Box::new(self.logic(one, depth)?)))),
            (operators::CONDITIONAL, [then, otherwise]) => {
                let parts = [self.logic(one, depth)?, self.logic(then, depth)?, self.logic(otherwise, depth)?];
                Ok(Typed::Logic(Logic::If(Box::new(parts))))
            }
            (operators::EQUALS, [other]) => self.equal(node, one, other, depth).map(Typed::Logic),
            (operators::NOT_EQUALS, [other]) => {
                Ok(Typed::Logic(Logic::Not(Box::new(self.equal(node, one, other, depth)?))))
            }
            (operators::LESS, [other]) => self.order(node, one, Order::Less, other, depth),
            (operators::LESS_EQUALS, [other]) => self.order(node, one, Order::LessOrEqual, other, depth),
            (operators::GREATER, [other]) => self.order(node, one, Order::More, other, depth),
            (operators::GREATER_EQUALS, [other]) => self.order(node, one, Order::MoreOrEqual, other, depth),
            (operators::IN, [list]) => self.one_of(node, one, list, depth),
            ("contains" | "startsWith" | "endsWith", [other]) => {
                self.search(node)?;
                let (text, other) = (self.text(one, depth)?, self.text(other, depth)?);
                self.possible(node, &text, &other, false)?;
                let test = match name {
                    "contains" => TextTest::Contains(other),
                    "startsWith" => TextTest::StartsWith(other),
                    _ => TextTest::EndsWith(other),
                };
                Ok(Typed::Logic(Logic::Text(text, test)))
            }
            ("matches", [pattern]) => self.matches(node, one, pattern, depth),
            ("size", []) => {
                self.search(node)?;
                Ok(Typed::Amount(Amount::Size(self.text(one, depth)?)))
            }
            ("lowerAscii", []) => {
                self.search(node)?;
                Ok(Typed::Text(Text::Lower(Box::new(self.text(one, depth)?))))
            }
            _ => Err(self.no_function(node, name)),
        }
    }

    fn no_function(&self, node: &IdedExpr, name: &str) -> BadExpression {
        if LOOPS.contains(&name) {
            return self.fault(node, LOOP, "write the cases out with || and &&");
        }
        if FUNCTIONS.contains(&name) {
            return self.fault(node, format!("`{name}` is called with other things"), USES);
        }
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let sign = name.trim_matches(['_', '?', ':', '@']);
            return self.fault(node, format!("`{sign}` means nothing here"), "there is no arithmetic and no indexing");
        }
        let hint = closest(name, &FUNCTIONS).map_or_else(|| USES.to_owned(), |known| format!("did you mean {known}?"));
        self.fault(node, format!("there is no function `{name}`"), &hint)
    }

    fn search(&mut self, node: &IdedExpr) -> Checked<()> {
        self.searches += 1;
        let fault = || {
            self.fault(
                node,
                "this expression searches texts too often",
                "at most 20 times; `text` and `regex` cost less",
            )
        };
        if self.searches > MOST_SEARCHES { Err(fault()) } else { Ok(()) }
    }

    fn logic(&mut self, node: &IdedExpr, depth: usize) -> Checked<Logic> {
        match self.value(node, depth)? {
            Typed::Logic(logic) => Ok(logic),
            other => Err(self.fault(
                node,
                format!("this is {}, not true or false", other.name()),
                "compare it with something",
            )),
        }
    }

    fn text(&mut self, node: &IdedExpr, depth: usize) -> Checked<Text> {
        match self.value(node, depth)? {
            Typed::Text(text) => Ok(text),
            other => Err(self.fault(node, format!("this is {}, not a text", other.name()), "")),
        }
    }

    fn equal(&mut self, node: &IdedExpr, one: &IdedExpr, other: &IdedExpr, depth: usize) -> Checked<Logic> {
        match (self.value(one, depth)?, self.value(other, depth)?) {
            (Typed::Logic(one), Typed::Logic(other)) => Ok(Logic::Same(Box::new([one, other]))),
            (Typed::Amount(one), Typed::Amount(other)) => Ok(Logic::Number(one, Order::Equal, other)),
            (Typed::Text(one), Typed::Text(other)) => {
                self.possible(node, &one, &other, true)?;
                self.possible(node, &other, &one, true)?;
                Ok(Logic::Text(one, TextTest::Equals(other)))
            }
            (one, other) => {
                let message = format!("{} is never equal to {}", one.name(), other.name());
                Err(self.fault(node, message, "both sides have one type"))
            }
        }
    }

    fn order(
        &mut self,
        node: &IdedExpr,
        one: &IdedExpr,
        order: Order,
        other: &IdedExpr,
        depth: usize,
    ) -> Checked<Typed> {
        match (self.value(one, depth)?, self.value(other, depth)?) {
            (Typed::Amount(one), Typed::Amount(other)) => Ok(Typed::Logic(Logic::Number(one, order, other))),
            (one, other) => {
                let message = format!("only numbers are more or less: {} and {}", one.name(), other.name());
                Err(self.fault(node, message, "event.amount > 500"))
            }
        }
    }

    fn one_of(&mut self, node: &IdedExpr, one: &IdedExpr, list: &IdedExpr, depth: usize) -> Checked<Typed> {
        let one = self.value(one, depth)?;
        let Typed::List(list) = self.value(list, depth)? else {
            return Err(self.fault(node, "`in` takes a list", "event.kind in [\"step\", \"thought\"]"));
        };
        let mixed =
            || self.fault(node, format!("this list is not only of {}s", one.name().trim_start_matches("a ")), "");
        match &one {
            Typed::Text(text) => {
                let texts = list.into_iter().map(|part| match part {
                    Typed::Text(other) => self.possible(node, text, &other, true).map(|()| other),
                    _ => Err(mixed()),
                });
                let texts = texts.collect::<Checked<_>>()?;
                Ok(Typed::Logic(Logic::Text(text.clone(), TextTest::OneOf(texts))))
            }
            Typed::Amount(amount) => {
                let amounts = list.into_iter().map(|part| match part {
                    Typed::Amount(other) => Ok(other),
                    _ => Err(mixed()),
                });
                let amounts = amounts.collect::<Checked<_>>()?;
                Ok(Typed::Logic(Logic::OneOf(amount.clone(), amounts)))
            }
            Typed::Logic(_) | Typed::List(_) => Err(self.fault(node, "`in` takes a text or a number", "")),
        }
    }

    fn matches(&mut self, node: &IdedExpr, text: &IdedExpr, pattern: &IdedExpr, depth: usize) -> Checked<Typed> {
        self.search(node)?;
        let text = self.text(text, depth)?;
        let Expr::Literal(LiteralValue::String(literal)) = &pattern.expr else {
            return Err(self.fault(
                pattern,
                "`matches` takes a regular expression in quotes",
                "so that it is checked now",
            ));
        };
        let hint = "a regular expression that takes linear time: no look-around, no back-references";
        let refuse =
            |message: &str| self.fault(pattern, format!("this regular expression is refused: {message}"), hint);
        let checked = Pattern::new(literal.inner()).map_err(|error| refuse(&error.message))?;
        let regex = RegexBuilder::new(checked.as_str()).size_limit(PATTERN_SIZE).build();
        let regex = regex.map_err(|_| refuse("too large when compiled"))?;
        Ok(Typed::Logic(Logic::Text(text, TextTest::Matches(Box::new(regex)))))
    }

    /// Refuses a literal that the text it is compared with never has: a rule that can never fire is a mistake.
    fn possible(&self, node: &IdedExpr, text: &Text, literal: &Text, whole: bool) -> Checked<()> {
        let Text::Literal(literal) = literal else { return Ok(()) };
        let never = |why: &str, hint: String| Err(self.fault(node, format!("this is never true: {why}"), &hint));
        let capitals = literal.chars().any(|c| c.is_ascii_uppercase());
        match text {
            Text::Field(Field::Kind) if whole => {
                let kinds = KindName::ALL.map(KindName::name);
                let known = kinds.contains(&literal.as_str());
                let hint = closest(literal, &kinds).map_or_else(
                    || format!("kinds are {}", kinds.join(", ")),
                    |kind| format!("did you mean \"{kind}\"?"),
                );
                if known { Ok(()) } else { never("there is no such kind of events", hint) }
            }
            Text::Field(Field::Domain) if capitals || literal.contains(['/', ':']) => {
                never("a domain is a host in lower case", "such as \"shop.example.com\"".to_owned())
            }
            Text::Field(Field::Plain) if Folded::new(literal.trim()).as_str() != literal.trim() => {
                never("event.plain is in lower case", format!("\"{}\"", Folded::new(literal).as_str()))
            }
            Text::Field(Field::Currency) if whole && Currency::from_code(literal).is_none() => {
                never("there is no such currency", "an ISO code such as \"USD\"".to_owned())
            }
            Text::Lower(_) if capitals => never("lowerAscii() leaves no capitals", literal.to_ascii_lowercase()),
            Text::Field(_) | Text::Lower(_) | Text::Literal(_) => Ok(()),
        }
    }
}

const LOOP: &str = "this would loop, and nothing loops here";
const USES: &str =
    "text.contains(text), .startsWith(text), .endsWith(text), .matches(\"regex\"), .lowerAscii(), .size(), has(field)";
