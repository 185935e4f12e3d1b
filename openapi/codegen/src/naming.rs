//! The one rule that names a method from its tag and operationId, in every language.

use heck::{ToLowerCamelCase, ToPascalCase, ToSnakeCase};

/// `(flows, listFlows)` is `list`; `(flows, getFlowSettings)` is `get_settings`;
/// `(api_keys, rotateApiKey)` is `rotate`: the words of the tag's noun, plural or singular, are
/// dropped once from the operationId. Where nothing would be left the whole name stays.
pub fn method_name(tag: &str, operation_id: &str) -> String {
    let words: Vec<String> = operation_id
        .to_snake_case()
        .split('_')
        .map(str::to_owned)
        .collect();
    let plural: Vec<String> = tag.split('_').map(str::to_owned).collect();
    let mut singular = plural.clone();
    if let Some(last) = singular.last_mut() {
        *last = last.strip_suffix('s').unwrap_or(last).to_owned();
    }
    for noun in [&plural, &singular] {
        let at = words
            .windows(noun.len())
            .position(|window| window == noun.as_slice());
        if let Some(at) = at {
            let mut rest = words.clone();
            rest.drain(at..at + noun.len());
            if !rest.is_empty() {
                return rest.join("_");
            }
        }
    }
    words.join("_")
}

/// `api_keys` is the class `ApiKeys`.
pub fn class_name(name: &str) -> String {
    name.to_pascal_case()
}

/// `flow_id` and `X-Thing` as a Rust or Python identifier.
pub fn snake(name: &str) -> String {
    name.to_snake_case()
}

/// `flow_id` as a JavaScript identifier.
pub fn camel(name: &str) -> String {
    name.to_lower_camel_case()
}

#[cfg(test)]
mod tests {
    use super::method_name;

    #[test]
    fn drops_the_noun_of_the_tag() {
        for (tag, id, name) in [
            ("flows", "listFlows", "list"),
            ("flows", "getFlow", "get"),
            ("flows", "getFlowSettings", "get_settings"),
            ("flows", "importFlows", "import"),
            ("api_keys", "rotateApiKey", "rotate"),
            ("api_keys", "listApiKeys", "list"),
            ("webhooks", "listWebhookDeliveries", "list_deliveries"),
            ("monitoring", "getHealth", "get_health"),
            ("sessions", "clearFlowSessions", "clear_flow"),
            ("flows", "flows", "flows"),
        ] {
            assert_eq!(method_name(tag, id), name, "{tag} {id}");
        }
    }
}
