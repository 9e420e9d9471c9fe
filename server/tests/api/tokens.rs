//! Tokens, console users and signing in, on both engines.

use crate::{
    actors::Member,
    client::{Answer, Client},
    pictures::{jpeg, picture},
    support::{Engine, TestApp},
};
use touchstone_schema::{
    api::{CallerInfo, IssuedToken, NewToken, NewUser, Scope, SignIn, TokenList, UserInfo},
    problem::ProblemCode as Code,
    statement::View,
};

on_both!(
    a_token_allows_what_it_names_until_it_ends,
    nobody_gives_more_than_the_role_has,
    a_console_user_signs_in,
    a_suspended_organisation_cannot_sign_in,
);

const PASSWORD: &str = "four unusual words here";

fn issue(client: &Client, scopes: &[Scope], days: u32) -> Answer {
    let new = NewToken { organisation: None, scopes: scopes.to_vec(), days, name: "desk 3".to_owned() };
    client.post_json("/v1/tokens", &new)
}

fn create_user(member: &Member, name: &str) -> Answer {
    let user = NewUser { name: name.to_owned(), password: PASSWORD.to_owned() };
    member.client.post_json("/v1/users", &user)
}

fn sign_in(app: &TestApp, name: &str, password: &str) -> Answer {
    let body = SignIn { name: name.to_owned(), password: password.to_owned() };
    app.client().post_json("/v1/sessions", &body)
}

fn a_token_allows_what_it_names_until_it_ends(app: &TestApp) {
    let merchant = app.merchant();
    let file = jpeg(&picture(1), 90);
    let issued: IssuedToken = issue(&merchant.client, &[Scope::Register], 30).json_with(201);
    assert!(issued.token.starts_with("tstk_"), "secret scanners know it");
    let desk = app.client().with_token(&issued.token);
    let envelope = merchant.sign(merchant.claim(&file, View::Packing));
    assert_eq!(desk.post("/v1/statements", &envelope).status, 201);
    let caller: CallerInfo = desk.get("/v1/caller").json_with(200);
    assert_eq!((caller.scopes, caller.expires_at), (vec![Scope::Register], Some(issued.expires_at)));
    desk.post_form("/v1/checks", &[("photo", &file)]).refused(Code::Forbidden);
    desk.get("/v1/tokens").refused(Code::Forbidden);
    issue(&desk, &[Scope::Register], 30).refused(Code::Forbidden);

    let listed = merchant.client.get("/v1/tokens");
    assert!(!listed.text().contains(&issued.token), "the secret is shown once");
    let listed: TokenList = listed.json_with(200);
    assert_eq!(listed.tokens.len(), 2);
    let entry = listed.tokens.iter().find(|token| token.id == issued.id).unwrap();
    assert_eq!((entry.name.as_str(), entry.revoked_at), ("desk 3", None));

    app.clock.move_by(30 * 86_400 - 1);
    assert_eq!(desk.get("/v1/caller").status, 200);
    app.clock.move_by(1);
    desk.get("/v1/caller").refused(Code::Unauthenticated);

    let other = app.merchant();
    let issued: IssuedToken = issue(&merchant.client, &[Scope::Check], 1).json_with(201);
    let path = format!("/v1/tokens/{}", issued.id);
    let desk = app.client().with_token(&issued.token);
    assert_eq!(desk.get("/v1/caller").status, 200);
    other.client.delete(&path).refused(Code::NotFound);
    for _ in 0..2 {
        assert_eq!(merchant.client.delete(&path).status, 204, "revoking again changes nothing");
        desk.get("/v1/caller").refused(Code::Unauthenticated);
    }
    let listed: TokenList = merchant.client.get("/v1/tokens").json_with(200);
    let entry = listed.tokens.iter().find(|token| token.id == issued.id).unwrap();
    assert_eq!(entry.revoked_at, Some(app.now()));

    let secret = merchant.client.token().unwrap();
    let changed = format!("{}{}", &secret[..secret.len() - 1], if secret.ends_with('A') { 'B' } else { 'A' });
    for bad in [changed.as_str(), &secret[1..], "tstk_", "x", &format!("{secret}x"), &"x".repeat(5_000)] {
        app.client().with_token(bad).get("/v1/caller").refused(Code::Unauthenticated);
    }
}

fn nobody_gives_more_than_the_role_has(app: &TestApp) {
    let (operator, merchant, platform) = (app.operator(), app.merchant(), app.platform());
    issue(&platform.client, &[Scope::Register], 1).refused(Code::Forbidden);
    issue(&merchant.client, &[Scope::Operate], 1).refused(Code::Forbidden);
    issue(&merchant.client, &[Scope::Check, Scope::Audit], 1).refused(Code::Forbidden);
    for (scopes, days) in [(&[][..], 1), (&[Scope::Check][..], 0), (&[Scope::Check][..], 3_651)] {
        issue(&merchant.client, scopes, days).refused(Code::InvalidField);
    }
    let for_other = NewToken {
        organisation: Some(platform.id),
        scopes: vec![Scope::Check],
        days: 1,
        name: "theirs".to_owned(),
    };
    merchant.client.post_json("/v1/tokens", &for_other).refused(Code::Forbidden);
    let issued: IssuedToken = operator.client.post_json("/v1/tokens", &for_other).json_with(201);
    let caller: CallerInfo = app.client().with_token(&issued.token).get("/v1/caller").json_with(200);
    assert_eq!(caller.organisation, Some(platform.id));
    let nobody = NewToken {
        organisation: Some(platform.id.to_string().replace("org_0", "org_1").parse().unwrap()),
        ..for_other
    };
    operator.client.post_json("/v1/tokens", &nobody).refused(Code::NotFound);
    // A token that only manages tokens gives away what it does not hold itself as little.
    let managing: IssuedToken = issue(&merchant.client, &[Scope::Manage], 1).json_with(201);
    let managing = app.client().with_token(&managing.token);
    issue(&managing, &[Scope::Register], 1).refused(Code::Forbidden);
    issue(&managing, &[Scope::Manage], 1).json_with::<IssuedToken>(201);
    // Nor does it make itself the operator.
    let managing: IssuedToken = issue(&operator.client, &[Scope::Manage], 1).json_with(201);
    let managing = app.client().with_token(&managing.token);
    issue(&managing, &[Scope::Operate], 1).refused(Code::Forbidden);
}

fn a_console_user_signs_in(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), app.platform());
    create_user(&merchant, "li.lei@cup").json_with::<UserInfo>(201);
    create_user(&platform, "li.lei@cup").refused(Code::Conflict);
    create_user(&merchant, "Li Lei").refused(Code::InvalidField);
    let short = NewUser { name: "han.mei".to_owned(), password: "short".to_owned() };
    merchant.client.post_json("/v1/users", &short).refused(Code::InvalidField);

    // Three attempts for each name and address in five minutes.
    let session: IssuedToken = sign_in(app, "li.lei@cup", PASSWORD).json_with(201);
    assert_eq!(session.expires_at, app.now().saturating_add_seconds(12 * 3_600));
    let console = app.client().with_token(&session.token);
    let caller: CallerInfo = console.get("/v1/caller").json_with(200);
    assert_eq!(caller.organisation, Some(merchant.id));
    let wrong = sign_in(app, "li.lei@cup", "five unusual words here").refused(Code::WrongPassword);
    let unknown = sign_in(app, "nobody", PASSWORD).refused(Code::WrongPassword);
    assert_eq!(wrong.detail, unknown.detail, "it does not tell whether the name exists");
    sign_in(app, "li.lei@cup", "").refused(Code::WrongPassword);
    let throttled = sign_in(app, "li.lei@cup", PASSWORD);
    throttled.refused(Code::TooManyRequests);
    assert_eq!(throttled.header("retry-after"), Some("300"));
    app.clock.move_by(299);
    sign_in(app, "li.lei@cup", PASSWORD).refused(Code::TooManyRequests);
    app.clock.move_by(1);
    sign_in(app, "li.lei@cup", PASSWORD).json_with::<IssuedToken>(201);
    app.clock.move_by(12 * 3_600);
    console.get("/v1/caller").refused(Code::Unauthenticated);
}

fn a_suspended_organisation_cannot_sign_in(app: &TestApp) {
    let merchant = app.merchant();
    create_user(&merchant, "li.lei").json_with::<UserInfo>(201);
    let session: IssuedToken = sign_in(app, "li.lei", PASSWORD).json_with(201);
    assert_eq!(app.operator().suspend(&merchant.id).status, 201);
    sign_in(app, "li.lei", PASSWORD).refused(Code::OrganisationSuspended);
    sign_in(app, "li.lei", "five unusual words here").refused(Code::WrongPassword);
    app.client().with_token(&session.token).get("/v1/caller").refused(Code::OrganisationSuspended);
}

#[test]
fn a_stolen_database_opens_nothing() {
    let app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    create_user(&merchant, "li.lei").json_with::<UserInfo>(201);
    let secret = merchant.client.token().unwrap().to_owned();
    app.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    let stored = app.database_bytes();
    for text in [secret.as_bytes(), &secret.as_bytes()[5..], PASSWORD.as_bytes()] {
        assert!(!stored.windows(text.len()).any(|window| window == text));
    }
}
