//! Pages for people: the start page, the table of problems, the interactive documentation, the OpenAPI document.
//!
//! Everything comes from this binary; a browser is sent nowhere else.

mod problems;

use super::{Answer, Shared, openapi, problem::Failure, resource};
use crate::registry::{Refusal, Registry};
use actix_web::{
    HttpResponse,
    http::{
        Method,
        header::{self, CacheControl, CacheDirective, ContentType},
    },
    web::{self, Bytes, Data},
};
use std::sync::Arc;
use touchstone_schema::problem::ProblemCode;
use utoipa_swagger_ui::Config;

const STYLE: &str = include_str!("style.css");
const START: &str = include_str!("start.html");
/// How long browsers keep files that change only with the version, in seconds.
const KEEP_SECONDS: u32 = 3_600;

/// The OpenAPI document as it is sent.
struct Document(Bytes);

pub(super) fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    let document = serde_json::to_vec(&openapi::document()).unwrap_or_default();
    // No validator: it would send this server's address to a stranger.
    let docs = Config::from("/openapi.json").validator_url("none").try_it_out_enabled(true);
    services
        .app_data(Data::new(Document(document.into())))
        .app_data(Data::new(docs))
        .service(resource(state, "/", [(Method::GET, web::to(start))]))
        .service(resource(state, "/problems", [(Method::GET, web::to(problem_table))]))
        .service(resource(state, "/style.css", [(Method::GET, web::to(style))]))
        .service(resource(state, "/openapi.json", [(Method::GET, web::to(openapi_document))]))
        .service(resource(state, "/docs", [(Method::GET, web::to(to_docs))]))
        .service(resource(state, "/docs/{file:.*}", [(Method::GET, web::to(documentation))]));
}

async fn start(state: Shared) -> Answer {
    let info = state.run(Registry::info).await?;
    let page = START
        .replace("{origin}", &escape(&info.origin))
        .replace("{version}", &escape(&info.version))
        .replace("{log_size}", &info.log_size.to_string())
        .replace("{log_verifier_key}", &escape(&info.log_verifier_key));
    Ok(html(page))
}

async fn problem_table() -> Answer {
    Ok(html(problems::page()))
}

fn html(page: String) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::html()).body(page)
}

async fn style() -> Answer {
    Ok(HttpResponse::Ok().content_type("text/css; charset=utf-8").insert_header(kept()).body(STYLE))
}

async fn openapi_document(document: Data<Document>) -> Answer {
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(document.0.clone()))
}

async fn to_docs() -> Answer {
    Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish())
}

async fn documentation(path: web::Path<String>, config: Data<Config<'static>>) -> Answer {
    let config: Arc<Config<'static>> = config.into_inner();
    let file =
        utoipa_swagger_ui::serve(&path, config).map_err(|error| Refusal::internal(error.to_string()))?;
    let file = file.ok_or_else(|| Failure::from(Refusal::new(ProblemCode::NotFound)))?;
    Ok(HttpResponse::Ok().content_type(file.content_type).insert_header(kept()).body(file.bytes.into_owned()))
}

fn kept() -> CacheControl {
    CacheControl(vec![CacheDirective::MaxAge(KEEP_SECONDS)])
}

/// Text for HTML, in elements and in quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use touchstone_schema::problem::ProblemCode;

    #[test]
    fn the_table_names_every_problem() {
        let page = problems::page();
        for code in ProblemCode::ALL {
            assert!(page.contains(&format!("<tr id=\"{}\">", code.code())), "{code}");
        }
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escape("<a b='\"&'>"), "&lt;a b=&#39;&quot;&amp;&#39;&gt;");
    }
}
