//! What a fly.toml says of its app.

use toml_edit::DocumentMut;

use super::FlyError;

/// The `app` of a fly.toml; `None` where it names none.
pub fn fly_app(text: &str) -> Result<Option<String>, FlyError> {
    let document = text
        .parse::<DocumentMut>()
        .map_err(|error| FlyError::Syntax { message: error.message().to_owned(), span: error.span() })?;
    match document.get("app") {
        None => Ok(None),
        Some(app) => {
            let name = app.as_str().ok_or(FlyError::Shape { key: "app", expected: "string" })?;
            Ok(Some(name.to_owned()).filter(|name| !name.is_empty()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_a_name() {
        assert_eq!(fly_app("kill_signal = 'SIGINT'\napp = 'it'\n[build]\n").unwrap().as_deref(), Some("it"));
        for none in ["", "app = ''", "[build]\napp = 'no'"] {
            assert_eq!(fly_app(none).unwrap(), None, "{none}");
        }
        for bad in ["app = 1", "[app]", "app = ["] {
            assert!(fly_app(bad).is_err(), "{bad}");
        }
    }
}
