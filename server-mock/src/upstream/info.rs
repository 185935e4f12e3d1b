//! Who the server is, and who the caller.

use serde_json::{Value, json};

use super::answer::{detail, invalid, missing, object};
use super::auth::{Family, check_token, cookie, open, tokens};
use super::{Ask, Done, users};
use crate::config::Langflow;
use crate::http::Reply;

/// What stands in the place of the page of a server with its frontend.
pub(super) const PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n  <head>\n    \
    <title>Langflow</title>\n  </head>\n  <body id=\"body\">\n    <div id=\"root\"></div>\n  \
    </body>\n</html>\n";

pub(super) fn health() -> Reply {
    Reply::json(200, &json!({"status": "ok"}))
}

pub(super) fn health_check() -> Reply {
    Reply::json(200, &json!({"status": "ok", "chat": "ok", "db": "ok"}))
}

/// Up to 1.11 a server calls itself by the version of its base package.
pub(super) fn version(ask: &Ask) -> Reply {
    let (version, package) = match ask.plays() {
        Langflow::V1_4 => ("0.4.3", "Langflow Base"),
        Langflow::V1_8 => ("0.8.4", "Langflow Base"),
        Langflow::V1_10 => ("0.10.3", "Langflow Base"),
        Langflow::V1_13 => ("1.13.0", "Langflow"),
    };
    let body = json!({"version": version, "main_version": version, "package": package});
    Reply::json(200, &body)
}

/// The whole of it only for those who may see it.
pub(super) fn config(ask: &Ask) -> Done {
    let features = json!({
        "wxo_deployments": false, "mvp_components": false, "instance_migration": false,
        "data_subject_requests": false,
    });
    let mut body = json!({
        "feature_flags": features, "max_file_size_upload": ask.app.config.max_body >> 20,
        "event_delivery": "streaming", "voice_mode_available": false, "frontend_timeout": 0,
        "mcp_base_url": "", "enable_extension_reload": false, "authz_enabled": false,
        "catalog_governance_enabled": false, "substitute_outdated_component_code": true,
        "type": "full", "serialization_max_items_length": 1000,
        "serialization_max_text_length": 6000, "auto_saving": true, "auto_saving_interval": 5000,
        "health_check_max_retries": 5, "webhook_polling_interval": 0,
        "public_flow_cleanup_interval": 3600, "public_flow_expiration": 86400,
        "webhook_auth_enable": true, "default_folder_name": "Starter Project",
        "hide_getting_started_progress": false, "allow_custom_components": true,
        "embedded_mode": false, "hide_logout_button": false, "hide_new_project_button": false,
        "hide_new_flow_button": false, "hide_starter_projects": false,
        "mcp_servers_locked": false, "custom_component_admin_only": false, "a2a_enabled": false,
        "agentic_experience": true, "assistant_max_message_length": 2000,
        "local_vector_store_available": true, "default_vector_store_backend": "sqlite",
        "configured_vector_store_backends": [], "blocked_component_types": [],
    });
    if open(ask, Family::Other).is_err()
        && let Some(fields) = body.as_object_mut()
    {
        // What is shown to everybody ends with the kind.
        *fields = std::mem::take(fields)
            .into_iter()
            .take_while(|(name, _)| name != "type")
            .collect();
        fields.insert("type".to_owned(), "public".into());
        fields.insert("allow_custom_components".to_owned(), true.into());
    }
    Ok(Reply::json(200, &body))
}

/// A form with a name and a password: those of the first user are `langflow` and `langflow`.
pub(super) fn login(ask: &Ask) -> Done {
    let form = crate::http::query(std::str::from_utf8(&ask.body).ok().filter(|_| {
        ask.header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    }));
    let field = |name: &str| {
        form.iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    };
    let (name, password) = (field("username"), field("password"));
    let lacks = [("username", name), ("password", password)];
    let lacks: Vec<Value> = lacks
        .iter()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| missing(name))
        .collect();
    if !lacks.is_empty() {
        return Err(invalid(&lacks));
    }
    let user = users::log_in(ask, name.unwrap_or_default(), password.unwrap_or_default())?;
    Ok(logged_in(ask, &user.id))
}

/// New tokens for the refresh token of a cookie, which is not taken from anywhere else.
pub(super) fn refresh(ask: &Ask) -> Done {
    let refused = || detail(401, "Invalid refresh token");
    let token = cookie(ask, "refresh_token_lf");
    let token = token.ok_or_else(|| refused().header("www-authenticate", "Bearer"))?;
    let user = check_token(ask.app, token, "refresh").map_err(|_| refused())?;
    Ok(logged_in(ask, &user))
}

fn logged_in(ask: &Ask, user: &str) -> Reply {
    let (access, refresh) = tokens(ask.app, user);
    let cookie =
        |name: &str, token: &str| format!("{name}={token}; HttpOnly; Path=/; SameSite=lax");
    let body = json!({
        "access_token": access, "refresh_token": refresh, "token_type": "bearer",
    });
    Reply::json(200, &body)
        .header("set-cookie", cookie("refresh_token_lf", &refresh))
        .header("set-cookie", cookie("access_token_lf", &access))
}

pub(super) fn auto_login() -> Reply {
    let body = json!({"message": "Auto login is disabled.", "auto_login": false});
    object(403, &body)
}
