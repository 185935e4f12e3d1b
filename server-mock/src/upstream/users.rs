//! Users: who may log in. What they make belongs to all of them here.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::answer::{detail, invalid, missing, wrong};
use super::auth::{Caller, Family, USER, caller, open};
use super::uuid::{complaint, is_uuid, uuid};
use super::{Ask, Done, body};
use crate::http::Reply;
use crate::state::{State, User};

/// How many users a list has, unless it is asked for otherwise, and at most.
const LIMIT: usize = 10;
const MOST: usize = 200;

/// The user that a server is set up with.
fn first(state: &State) -> User {
    User {
        id: uuid(USER),
        name: USER.to_owned(),
        password: USER.to_owned(),
        active: true,
        superuser: true,
        image: None,
        created_at: state.started_at,
        updated_at: state.started_at,
        logged_in_at: Some(state.started_at),
    }
}

/// A user by the id.
pub(super) fn find(state: &State, id: &str) -> Option<User> {
    let kept = state.library.users.iter().find(|user| user.id == id);
    kept.cloned()
        .or_else(|| Some(first(state)).filter(|user| user.id == id))
}

/// All users in the order of their names.
fn all(state: &State) -> Vec<User> {
    let mut users = state.library.users.clone();
    if users.iter().all(|user| user.id != uuid(USER)) {
        users.push(first(state));
    }
    users.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    users
}

/// Keeps a user as it is now.
fn keep(state: &mut State, user: User) {
    match state.library.users.iter_mut().find(|it| it.id == user.id) {
        Some(kept) => *kept = user,
        None => state.library.users.push(user),
    }
}

/// The user of a name and a password, who has logged in now.
pub(super) fn log_in(ask: &Ask, name: &str, password: &str) -> Result<User, Reply> {
    let mut state = ask.app.state();
    let found = all(&state).into_iter().find(|user| user.name == name);
    let Some(mut user) = found.filter(|user| user.password == password) else {
        let reply = detail(401, "Incorrect username or password");
        return Err(reply.header("www-authenticate", "Bearer"));
    };
    if !user.active {
        let why = match user.logged_in_at {
            None => "Waiting for approval",
            Some(_) => "Inactive user",
        };
        return Err(detail(400, why));
    }
    user.logged_in_at = Some(ask.app.clock.now());
    keep(&mut state, user.clone());
    Ok(user)
}

pub(super) fn shown(user: &User) -> Value {
    let moment = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    json!({
        "id": user.id, "username": user.name, "profile_image": user.image,
        "store_api_key": null, "is_active": user.active, "is_superuser": user.superuser,
        "create_at": moment(user.created_at), "updated_at": moment(user.updated_at),
        "last_login_at": user.logged_in_at.map(moment),
        "optins": {
            "github_starred": false, "dialog_dismissed": false, "discord_clicked": false,
        },
    })
}

/// Refuses all but administrators, in the words of a route.
fn administrators(caller: &Caller, why: &str) -> Result<(), Reply> {
    match caller.user.superuser {
        true => Ok(()),
        false => {
            let reply = detail(403, why);
            Err(reply.header("x-langflow-error-code", "administration_denied"))
        }
    }
}

/// A number of the query within its bounds.
fn number(ask: &Ask, name: &str, unset: usize, least: usize, most: usize) -> Result<usize, Value> {
    let Some(given) = ask.query(name) else {
        return Ok(unset);
    };
    let place = ["query", name];
    let Ok(number) = given.parse::<i64>() else {
        let message =
            "Input should be a valid integer, unable to parse string as an integer".to_owned();
        return Err(wrong("int_parsing", &place, &message));
    };
    let (kind, limit, ctx) = match number {
        number if number < least as i64 => ("greater_than_equal", least, "ge"),
        number if number > most as i64 => ("less_than_equal", most, "le"),
        number => return Ok(usize::try_from(number).unwrap_or(unset)),
    };
    let word = kind.replace('_', " ").replace("equal", "or equal to");
    let mut error = wrong(kind, &place, &format!("Input should be {word} {limit}"));
    error["ctx"] = json!({ctx: limit});
    Err(error)
}

/// Several numbers of the query: all that is wrong with them is told at once.
pub(super) fn numbers<const N: usize>(
    ask: &Ask,
    wanted: [(&str, usize, usize, usize); N],
) -> Result<[usize; N], Vec<Value>> {
    let mut errors = Vec::new();
    let found = wanted.map(|(name, unset, least, most)| {
        number(ask, name, unset, least, most).unwrap_or_else(|error| {
            errors.push(error);
            unset
        })
    });
    match errors.is_empty() {
        true => Ok(found),
        false => Err(errors),
    }
}

pub(super) fn list(ask: &Ask) -> Done {
    let caller = caller(ask)?;
    administrators(&caller, "The user doesn't have enough privileges")?;
    let [skip, limit] = numbers(
        ask,
        [("skip", 0, 0, usize::MAX >> 1), ("limit", LIMIT, 1, MOST)],
    )
    .map_err(|errors| invalid(&errors))?;
    let search = ask.query("search").map(str::to_lowercase);
    let mut users = all(&ask.app.state());
    users.retain(|user| {
        let name = user.name.to_lowercase();
        search.as_ref().is_none_or(|part| name.contains(part))
            && ask.query("username").is_none_or(|name| user.name == name)
    });
    let total = users.len();
    let page: Value = users.iter().skip(skip).take(limit).map(shown).collect();
    Ok(Reply::json(
        200,
        &json!({"total_count": total, "users": page, "deletion_requests": {}}),
    ))
}

/// Anybody may: a new user waits for an administrator.
pub(super) fn create(ask: &Ask) -> Done {
    let fields = body::object(ask)?;
    let mut errors = Vec::new();
    let [name, password] = ["username", "password"].map(|field| match fields.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(_) => {
            let message = "Input should be a valid string";
            errors.push(wrong("string_type", &["body", field], message));
            String::new()
        }
        None => {
            errors.push(missing(field));
            String::new()
        }
    });
    if !errors.is_empty() {
        return Err(invalid(&errors));
    }
    let now = ask.app.clock.now();
    let mut state = ask.app.state();
    if all(&state).iter().any(|user| user.name == name) {
        return Err(detail(400, "This username is unavailable."));
    }
    let user = User {
        id: uuid(&state.ids.next("user")),
        name,
        password,
        active: false,
        superuser: false,
        image: None,
        created_at: now,
        updated_at: now,
        logged_in_at: None,
    };
    let reply = Reply::json(201, &shown(&user));
    state.library.users.push(user);
    Ok(reply)
}

pub(super) fn whoami(ask: &Ask) -> Done {
    Ok(Reply::json(200, &shown(&caller(ask)?.user)))
}

pub(super) fn get(ask: &Ask, id: &str) -> Done {
    let caller = caller(ask)?;
    checked(id)?;
    if caller.user.id != id {
        administrators(&caller, "Permission denied: user:manage is required.")?;
    }
    let user = find(&ask.app.state(), id).ok_or_else(gone)?;
    Ok(Reply::json(200, &shown(&user)))
}

pub(super) fn update(ask: &Ask, id: &str) -> Done {
    let caller = caller(ask)?;
    checked(id)?;
    let fields = Value::Object(body::object(ask)?);
    let (own, active) = (caller.user.id == id, fields["is_active"].as_bool());
    if own && active == Some(false) {
        return Err(detail(403, "You can't deactivate your own user account"));
    }
    if !own {
        administrators(&caller, "Permission denied")?;
    }
    if !caller.user.superuser && fields["is_superuser"] == true {
        let why = "Only a superuser may promote or demote platform superusers";
        return Err(detail(403, why));
    }
    let password = super::text(&fields, "password").filter(|it| !it.is_empty());
    if password.is_some() && !caller.user.superuser {
        return Err(detail(400, "You can't change your password here"));
    }
    let mut state = ask.app.state();
    let mut user = find(&state, id).ok_or_else(gone)?;
    let name = super::text(&fields, "username");
    if let Some(name) = name.filter(|name| *name != user.name) {
        if all(&state).iter().any(|it| it.name == name) {
            return Err(detail(400, "This username is unavailable."));
        }
        name.clone_into(&mut user.name);
    }
    user.active = active.unwrap_or(user.active);
    user.superuser = fields["is_superuser"].as_bool().unwrap_or(user.superuser);
    if let Some(password) = password {
        password.clone_into(&mut user.password);
    }
    if let Some(image) = super::text(&fields, "profile_image") {
        user.image = Some(image.to_owned());
    }
    user.updated_at = ask.app.clock.now();
    let reply = Reply::json(200, &shown(&user));
    keep(&mut state, user);
    Ok(reply)
}

/// Only those who have logged in may change their password: a key does not know it.
pub(super) fn reset_password(ask: &Ask) -> Done {
    let caller = caller(ask)?;
    let id = ask.path.get(3).map_or("", String::as_str);
    checked(id)?;
    let fields: Map<String, Value> = body::object(ask)?;
    let lacks = ["current_password", "password"];
    let lacks = lacks.iter().filter(|field| !fields.contains_key(**field));
    let lacks: Vec<Value> = lacks.map(|field| missing(field)).collect();
    if !lacks.is_empty() {
        return Err(invalid(&lacks));
    }
    if caller.user.id != id {
        return Err(detail(404, "You can't change another user's password"));
    }
    if caller.by_key {
        return Err(detail(403, "Sign in interactively to change your password"));
    }
    let mut user = caller.user;
    let given = |field: &str| {
        fields
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if given("current_password") != user.password {
        return Err(detail(400, "Current password is incorrect"));
    }
    if given("password") == user.password {
        return Err(detail(400, "You can't use your current password"));
    }
    given("password").clone_into(&mut user.password);
    user.updated_at = ask.app.clock.now();
    let reply = Reply::json(200, &shown(&user));
    keep(&mut ask.app.state(), user);
    Ok(reply)
}

/// Begun, says the server; here it is done.
pub(super) fn delete(ask: &Ask, id: &str) -> Done {
    let caller = caller(ask)?;
    checked(id)?;
    if caller.user.id == id {
        return Err(detail(400, "You can't delete your own user account"));
    }
    administrators(&caller, "Permission denied")?;
    let mut state = ask.app.state();
    find(&state, id).ok_or_else(gone)?;
    state.library.users.retain(|user| user.id != id);
    let request = uuid(&format!("{id}/deletion"));
    let body = json!({"detail": "User deletion started", "request_id": request});
    Ok(Reply::json(202, &body))
}

/// Who is logged in; it is no error if nobody is. A key is no login.
pub(super) fn session(ask: &Ask) -> Reply {
    let caller = open(ask, Family::Other)
        .and_then(|_| caller(ask))
        .ok()
        .filter(|caller| !caller.by_key);
    let user = caller.as_ref().map(|caller| shown(&caller.user));
    let body = json!({"authenticated": caller.is_some(), "user": user, "store_api_key": null});
    Reply::json(200, &body)
}

/// The cookies are taken away; a token stays good until it is over.
pub(super) fn log_out() -> Reply {
    let reply = Reply::json(200, &json!({"message": "Logout successful"}));
    let cookies = ["refresh_token_lf", "access_token_lf", "apikey_tkn_lflw"];
    cookies.into_iter().fold(reply, |reply, name| {
        let gone = format!("{name}=\"\"; HttpOnly; Max-Age=0; Path=/; SameSite=lax");
        reply.header("set-cookie", gone)
    })
}

fn checked(id: &str) -> Result<(), Reply> {
    let place = ["path", "user_id"];
    match is_uuid(id) {
        true => Ok(()),
        false => Err(invalid(&[wrong("uuid_parsing", &place, &complaint(id))])),
    }
}

fn gone() -> Reply {
    detail(404, "User not found")
}
