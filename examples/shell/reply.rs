//! Replies: one line of JSON each.

use serde::Serialize;

/// Why a command was refused: one of the library's kinds, and a text.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: &'static str,
    message: String,
    /// The profiles that could be meant, where several could.
    people: Vec<String>,
}

impl Failure {
    fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), people: Vec::new() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new("Invalid", message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new("Unsupported", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new("NotFound", message)
    }

    pub(crate) fn io(message: impl Into<String>) -> Self {
        Self::new("Io", message)
    }

    /// The reply line, without its line feed.
    pub(crate) fn line(&self) -> String {
        let mut error = serde_json::Map::new();
        error.insert("kind".into(), self.kind.into());
        error.insert("message".into(), self.message.as_str().into());
        if !self.people.is_empty() {
            error.insert("people".into(), self.people.as_slice().into());
        }
        serde_json::json!({"ok": false, "error": error}).to_string()
    }
}

impl From<regulars::Error> for Failure {
    fn from(error: regulars::Error) -> Self {
        Self { people: error.candidates().to_vec(), ..Self::new(error.kind().name(), error.to_string()) }
    }
}

/// A good reply, field by field. Text, not a tree: numbers in traits and messages keep all their digits.
pub(crate) struct Reply(String);

impl Reply {
    pub(crate) fn ok() -> Self {
        Self(r#"{"ok":true"#.to_owned())
    }

    pub(crate) fn with(mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<Self, Failure> {
        let json = serde_json::to_string(value).map_err(|_| Failure::invalid("a value that JSON cannot hold"))?;
        self.0.push_str(",\"");
        self.0.push_str(name);
        self.0.push_str("\":");
        self.0.push_str(&json);
        Ok(self)
    }

    /// Adds every field of something that serializes as an object.
    pub(crate) fn with_all(mut self, value: &impl Serialize) -> Result<Self, Failure> {
        let json = serde_json::to_string(value).map_err(|_| Failure::invalid("a value that JSON cannot hold"))?;
        let fields = json.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if let Some(fields) = fields.filter(|fields| !fields.is_empty()) {
            self.0.push(',');
            self.0.push_str(fields);
        }
        Ok(self)
    }

    /// The reply line, without its line feed.
    pub(crate) fn line(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
