//! Which operation of `openapi/langflow.yaml` a request asks for.

/// Method, path and name, as the document has them.
const ROUTES: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/open_source.rs"));

/// Routes that the document has not: what the core asks by itself, and what others than clients call.
const MORE: [(&str, &str, &str); 2] = [
    ("POST", "/api/v1/refresh", "refreshLogin"),
    (
        "POST",
        "/api/v1/triggers/ingress/webhook/{public_id}",
        "deliverToTrigger",
    ),
];

/// The name of an operation. A path that is written out goes before one with a parameter.
pub(super) fn operation(method: &str, path: &[&str]) -> Option<&'static str> {
    // The only path that a server takes with its last slash and without.
    let path = match path {
        ["api", "v2", "files", ""] => &path[..3],
        path => path,
    };
    let fitting = ROUTES
        .iter()
        .chain(&MORE)
        .filter(|(known, ..)| *known == method)
        .filter_map(|(_, pattern, name)| Some((parameters(pattern, path)?, *name)));
    fitting
        .min_by_key(|(count, _)| *count)
        .map(|(_, name)| name)
}

/// How many parameters a path fills in, if it fits.
fn parameters(pattern: &str, path: &[&str]) -> Option<usize> {
    let mut steps = path.iter();
    let mut count = 0;
    for wanted in pattern.trim_start_matches('/').split('/') {
        let step = steps.next()?;
        match wanted.starts_with('{') {
            true if step.is_empty() => return None,
            true => count += 1,
            false if wanted != *step => return None,
            false => {}
        }
    }
    steps.next().is_none().then_some(count)
}

/// The names of all operations.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().chain(&MORE).map(|(.., name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_written_out_goes_first() {
        let of = |method, path: &str| {
            let path: Vec<&str> = path.trim_start_matches('/').split('/').collect();
            operation(method, &path)
        };
        assert_eq!(of("POST", "/api/v2/workflows/stop"), Some("stopWorkflow"));
        assert_eq!(of("GET", "/api/v1/flows/"), Some("listFlows"));
        assert_eq!(of("GET", "/api/v1/flows/x"), Some("getFlow"));
        assert_eq!(
            of("POST", "/api/v1/run/advanced/x"),
            Some("runFlowAdvanced")
        );
        assert_eq!(of("GET", "/api/v2/files/"), Some("listFiles"));
        assert_eq!(of("GET", "/api/v1/projects"), None);
        assert_eq!(of("POST", "/api/v1/flows/x"), None);
    }
}
