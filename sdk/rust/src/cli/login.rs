//! `touchstone login` and `touchstone logout`.

use super::{
    args::Login,
    failure::{Failure, Status},
    session::Session,
};
use serde_json::json;
use touchstone_schema::api::SignIn;
use touchstone_sdk::{
    client::{Client, ClientSettings, sends_in_clear},
    config::{self, Stored},
};
use zeroize::Zeroizing;

pub(crate) fn login(session: &Session, args: &Login) -> Result<Status, Failure> {
    let out = &session.out;
    let url = match session.given_url() {
        Some(url) => url.to_owned(),
        None => session.ask(out.choose("Address of the registry", "登记处地址"))?.trim().to_owned(),
    };
    if sends_in_clear(&url) {
        out.notice(out.choose(
            "this address is not encrypted: anyone on the way can read the token; use https",
            "该地址未加密，途中任何人都可读取令牌；请使用 https",
        ));
    }
    let public = Client::new(&ClientSettings::new(url.as_str(), None))?;
    let registry = public.registry()?;
    let (token, token_id) = match &args.user {
        Some(name) => {
            let password = session.ask_secret(out.choose("Password", "密码"))?;
            let mut sign_in = SignIn { name: name.clone(), password: password.to_string() };
            let issued = public.sign_in(&sign_in);
            zeroize::Zeroize::zeroize(&mut sign_in.password);
            let issued = issued?;
            (Zeroizing::new(issued.token), Some(issued.id))
        }
        None => match session.given_token() {
            Some(token) => (Zeroizing::new(token.to_owned()), None),
            None => (session.ask_secret(out.choose("Token", "令牌"))?, None),
        },
    };
    // Only a token that works is stored.
    let caller = Client::new(&ClientSettings::new(url.as_str(), Some(&token)))?.caller()?;
    let path = Session::settings_path()?;
    let stored = Stored {
        url: public.url().to_owned(),
        token: token.trim().to_owned(),
        token_id,
        verdict_key: Some(registry.verdict_key),
    };
    config::write(&path, &stored)?;
    if out.json {
        out.object(&json!({
            "registry": registry.origin, "url": stored.url, "name": caller.name,
            "organisation": caller.organisation, "role": caller.role, "scopes": caller.scopes,
            "expires_at": caller.expires_at, "settings": path.display().to_string(),
        }));
        return Ok(Status::Done);
    }
    let words = out.words();
    let scopes: Vec<&str> = caller.scopes.iter().map(|scope| scope.name()).collect();
    out.fields(&[
        (words.registry, registry.origin),
        (words.organisation, caller.name),
        (words.role, caller.role.map_or("", |role| role.name()).to_owned()),
        (words.scopes, scopes.join(", ")),
        (words.expires_at, caller.expires_at.map(|time| time.to_string()).unwrap_or_default()),
        (words.verdict_key, registry.verdict_key.to_string()),
        (words.written, path.display().to_string()),
    ]);
    Ok(Status::Done)
}

pub(crate) fn logout(session: &Session) -> Result<Status, Failure> {
    let out = &session.out;
    let path = Session::settings_path()?;
    // A file that cannot be read is removed all the same.
    let stored = config::read(&path).ok().flatten();
    let removed = config::remove(&path)?;
    let mut revoked = false;
    if let Some((stored, id)) = stored.as_ref().and_then(|stored| Some((stored, stored.token_id?))) {
        let client = Client::new(&ClientSettings::new(stored.url.as_str(), Some(&stored.token)));
        revoked = client.and_then(|client| client.revoke_token(&id)).is_ok();
        if !revoked {
            out.notice(out.choose(
                "the session's token could not be revoked; it ends by itself",
                "无法吊销会话令牌；它会自行过期",
            ));
        }
    }
    if out.json {
        out.object(&json!({ "removed": removed, "revoked": revoked }));
    } else if removed {
        out.line(out.choose("Address and token are forgotten.", "已清除地址和令牌。"));
    } else {
        out.line(out.choose("Nothing was stored.", "没有存储的内容。"));
    }
    Ok(Status::Done)
}
