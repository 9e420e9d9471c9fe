//! `touchstone admin`: organisations, keys, codes, tokens, users.

use super::{
    args::{
        Admin, CodeCommand, CreateOrganisation, KeyCommand, OrganisationCommand, TokenCommand, UserCommand,
    },
    failure::{Failure, Status},
    session::Session,
    statement::show_logged,
};
use serde_json::json;
use touchstone_schema::{
    api::{
        IssuedToken, KeyInfo, KeyRevocation, NewCode, NewKey, NewOrganisation, NewToken, NewUser,
        OrganisationInfo, Scope, Suspension, TokenInfo,
    },
    envelope,
    key::PublicKey,
};
use touchstone_sdk::keys;
use zeroize::Zeroize;

pub(crate) fn run(session: &Session, command: &Admin) -> Result<Status, Failure> {
    match command {
        Admin::Organisation(command) => organisation(session, command),
        Admin::Key(command) => key(session, command),
        Admin::Code(CodeCommand::Bind { organisation, code }) => {
            let client = session.connect()?.client;
            show_logged(session, &client.bind_code(organisation, &NewCode { code: code.clone() })?);
            Ok(Status::Done)
        }
        Admin::Token(command) => token(session, command),
        Admin::User(UserCommand::Create { name }) => create_user(session, name),
    }
}

fn organisation(session: &Session, command: &OrganisationCommand) -> Result<Status, Failure> {
    let out = &session.out;
    match command {
        OrganisationCommand::Create(args) => return admit(session, args),
        OrganisationCommand::List => {
            let all = session.connect()?.client.organisations()?;
            if out.json {
                all.iter().for_each(|one| out.object(one));
            } else {
                show_organisations(session, &all);
            }
        }
        OrganisationCommand::Show { organisation } => {
            let one = session.connect()?.client.organisation(organisation)?;
            if out.json {
                out.object(&one);
            } else {
                show_organisation(session, &one);
            }
        }
        OrganisationCommand::Suspend { organisation, reason } => {
            let client = session.connect()?.client;
            show_logged(session, &client.suspend(organisation, &Suspension { reason: reason.clone() })?);
        }
    }
    Ok(Status::Done)
}

fn admit(session: &Session, args: &CreateOrganisation) -> Result<Status, Failure> {
    let out = &session.out;
    let public_key = keys::read_public(&args.public_key)?;
    let recovery_key = args.recovery_key.as_deref().map(keys::read_public).transpose()?;
    let request = NewOrganisation {
        name: args.name.clone(),
        role: args.role,
        public_key,
        recovery_key,
        proof_of_possession: proof_of_possession(session, &args.name, &public_key)?,
        provider_codes: args.provider_code.clone(),
    };
    let admitted = session.connect()?.client.create_organisation(&request)?;
    if out.json {
        out.object(&admitted);
        return Ok(Status::Done);
    }
    let words = out.words();
    out.fields(&[
        (words.organisation, admitted.organisation.to_string()),
        (words.key, admitted.key.to_string()),
        (words.log_index, admitted.log_index.to_string()),
        (words.token, admitted.token),
    ]);
    out.notice(words.token_once);
    Ok(Status::Done)
}

/// With the private half at hand, the applicant shows that it is.
fn proof_of_possession(
    session: &Session,
    name: &str,
    public_key: &PublicKey,
) -> Result<Option<String>, Failure> {
    if session.key_path().is_none() {
        return Ok(None);
    }
    let key = session.key()?;
    if PublicKey::from(&key) != *public_key {
        session.out.notice(session.out.choose(
            "--key is not the private half of --public-key: no proof of possession is sent",
            "--key 与 --public-key 不是一对：不发送持有证明",
        ));
        return Ok(None);
    }
    let payload = json!({ "name": name, "public_key": public_key }).to_string();
    let signed = envelope::sign(envelope::POSSESSION_TYPE, payload.as_bytes(), &key);
    Ok(String::from_utf8(signed).ok())
}

fn show_organisations(session: &Session, all: &[OrganisationInfo]) {
    let words = session.out.words();
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|one| {
            vec![
                one.organisation.to_string(),
                one.name.clone(),
                one.role.name().to_owned(),
                if one.suspended { words.suspended } else { words.active }.to_owned(),
                one.admitted_at.to_string(),
            ]
        })
        .collect();
    let headings = [words.organisation, words.name, words.role, words.state, words.admitted_at];
    session.out.table(&headings, &rows);
}

fn show_organisation(session: &Session, one: &OrganisationInfo) {
    let out = &session.out;
    let words = out.words();
    let key = |info: &KeyInfo| {
        let state = match info.revoked_at_index {
            Some(index) => format!("{} #{index}", words.revoked),
            None => words.active.to_owned(),
        };
        format!("{} {} ({state})", info.key, info.public_key)
    };
    let mut fields = vec![
        (words.organisation, one.organisation.to_string()),
        (words.name, one.name.clone()),
        (words.role, one.role.name().to_owned()),
        (words.state, if one.suspended { words.suspended } else { words.active }.to_owned()),
        (words.admitted_at, one.admitted_at.to_string()),
        (words.log_index, one.log_index.to_string()),
        (words.codes, one.provider_codes.join(", ")),
    ];
    fields.extend(one.keys.iter().map(|info| (words.key, key(info))));
    out.fields(&fields);
}

fn key(session: &Session, command: &KeyCommand) -> Result<Status, Failure> {
    let logged = match command {
        KeyCommand::Add { organisation, public_key } => {
            let public_key = keys::read_public(public_key)?;
            session.connect()?.client.add_key(organisation, &NewKey { public_key })?
        }
        KeyCommand::Revoke { organisation, key_id, reason, suspect_from_index } => {
            let revocation =
                KeyRevocation { reason: reason.clone(), suspect_from_index: *suspect_from_index };
            session.connect()?.client.revoke_key(organisation, key_id, &revocation)?
        }
    };
    show_logged(session, &logged);
    Ok(Status::Done)
}

fn token(session: &Session, command: &TokenCommand) -> Result<Status, Failure> {
    let out = &session.out;
    let client = session.connect()?.client;
    match command {
        TokenCommand::Create { organisation, scope, days, name } => {
            let request = NewToken {
                organisation: *organisation,
                scopes: scope.clone(),
                days: *days,
                name: name.clone(),
            };
            show_issued(session, &client.issue_token(&request)?);
        }
        TokenCommand::List => {
            let all = client.tokens()?.tokens;
            if out.json {
                all.iter().for_each(|one| out.object(one));
            } else {
                show_tokens(session, &all);
            }
        }
        TokenCommand::Revoke { id } => {
            client.revoke_token(id)?;
            if out.json {
                out.object(&json!({ "id": id, "revoked": true }));
            } else {
                out.fields(&[(out.words().revoked, id.to_string())]);
            }
        }
    }
    Ok(Status::Done)
}

fn show_issued(session: &Session, issued: &IssuedToken) {
    let out = &session.out;
    if out.json {
        out.object(issued);
        return;
    }
    let words = out.words();
    out.fields(&[
        (words.token, issued.token.clone()),
        ("ID", issued.id.to_string()),
        (words.expires_at, issued.expires_at.to_string()),
    ]);
    out.notice(words.token_once);
}

fn show_tokens(session: &Session, all: &[TokenInfo]) {
    let words = session.out.words();
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|one| {
            let scopes: Vec<&str> = one.scopes.iter().copied().map(Scope::name).collect();
            vec![
                one.id.to_string(),
                one.name.clone(),
                scopes.join(","),
                one.created_at.to_string(),
                one.expires_at.to_string(),
                if one.revoked_at.is_some() { words.revoked } else { words.active }.to_owned(),
            ]
        })
        .collect();
    let headings = ["ID", words.name, words.scopes, words.created_at, words.expires_at, words.state];
    session.out.table(&headings, &rows);
}

fn create_user(session: &Session, name: &str) -> Result<Status, Failure> {
    let out = &session.out;
    let client = session.connect()?.client;
    let password = session.ask_secret(out.choose("Password", "密码"))?;
    let mut request = NewUser { name: name.to_owned(), password: password.to_string() };
    let made = client.create_user(&request);
    request.password.zeroize();
    let made = made?;
    if out.json {
        out.object(&made);
    } else {
        out.fields(&[(out.words().user, made.name), ("ID", made.id.to_string())]);
    }
    Ok(Status::Done)
}
