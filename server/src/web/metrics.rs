//! Numbers for monitoring, in the text format of Prometheus 0.0.4. Counting costs a few atomic additions.

use crate::registry::Statistics;
use actix_web::http::Method;
use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Upper edges of the histogram of durations, in microseconds, and as the label `le` in seconds.
const EDGES: [(u64, &str); 12] = [
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (500_000, "0.5"),
    (2_500_000, "2.5"),
    (10_000_000, "10"),
];
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "other"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Numbers of one route.
#[derive(Debug)]
pub struct RouteMetrics {
    pattern: &'static str,
    methods: [MethodMetrics; METHODS.len()],
}

#[derive(Debug, Default)]
struct MethodMetrics {
    classes: [AtomicU64; CLASSES.len()],
    // One more than there are edges: what took longer than the last.
    durations: [AtomicU64; EDGES.len() + 1],
    micros: AtomicU64,
}

impl RouteMetrics {
    /// The route's pattern, such as `/v1/content/{sha256}`.
    #[must_use]
    pub const fn pattern(&self) -> &'static str {
        self.pattern
    }

    /// Counts one answered request.
    pub fn count(&self, method: &Method, status: u16, micros: u64) {
        let name = if *method == Method::HEAD { "GET" } else { method.as_str() };
        let index = METHODS.iter().position(|known| *known == name).unwrap_or(METHODS.len() - 1);
        let numbers = &self.methods[index];
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        let bucket = EDGES.iter().position(|(edge, _)| micros <= *edge).unwrap_or(EDGES.len());
        numbers.classes[class].fetch_add(1, Ordering::Relaxed);
        numbers.durations[bucket].fetch_add(1, Ordering::Relaxed);
        numbers.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// All numbers of a server.
#[derive(Debug, Default)]
pub struct Metrics {
    routes: Mutex<Vec<Arc<RouteMetrics>>>,
}

impl Metrics {
    /// The numbers of a route; the same for all workers.
    pub fn route(&self, pattern: &'static str) -> Arc<RouteMetrics> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = routes.iter().find(|route| route.pattern == pattern) {
            return Arc::clone(known);
        }
        let route = Arc::new(RouteMetrics { pattern, methods: Default::default() });
        routes.push(Arc::clone(&route));
        route
    }

    /// Everything as text. Without statistics, when the database does not answer, the rest still stands there.
    #[must_use]
    pub fn text(&self, statistics: Option<Statistics>) -> String {
        let mut out = String::with_capacity(16 << 10);
        if let Some(statistics) = statistics {
            let Statistics { log_size, published_size, queued, halted, .. } = statistics;
            let Statistics { behind_seconds, failures, searchable, organisations, .. } = statistics;
            gauge(&mut out, "touchstone_log_entries", "Entries of the log.", log_size);
            gauge(
                &mut out,
                "touchstone_log_published_entries",
                "Log entries that the published checkpoint covers.",
                published_size,
            );
            gauge(
                &mut out,
                "touchstone_log_queued_statements",
                "Statements that wait to be appended.",
                queued,
            );
            gauge(&mut out, "touchstone_log_halted", "1 if the log has stopped.", u64::from(halted));
            counter(
                &mut out,
                "touchstone_log_publication_failures_total",
                "Attempts to publish that failed.",
                failures,
            );
            gauge(
                &mut out,
                "touchstone_log_clock_behind_seconds",
                "How far the clock is behind the last log entry; beyond 300 nothing is appended.",
                behind_seconds,
            );
            gauge(&mut out, "touchstone_searchable_pictures", "Pictures that fingerprints find.", searchable);
            gauge(&mut out, "touchstone_organisations", "Organisations.", organisations);
        }
        if let Some(bytes) = resident_bytes() {
            gauge(&mut out, "process_resident_memory_bytes", "Resident memory.", bytes);
        }
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        out.push_str("# HELP touchstone_http_requests_total Answered requests.\n");
        out.push_str("# TYPE touchstone_http_requests_total counter\n");
        for_each(&routes, |labels, numbers| {
            for (class, count) in CLASSES.iter().zip(&numbers.classes) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let _ = writeln!(
                        out,
                        "touchstone_http_requests_total{{{labels},status=\"{class}\"}} {count}"
                    );
                }
            }
        });
        out.push_str("# HELP touchstone_http_request_duration_seconds Time until the head of the answer.\n");
        out.push_str("# TYPE touchstone_http_request_duration_seconds histogram\n");
        for_each(&routes, |labels, numbers| histogram(&mut out, labels, numbers));
        out
    }
}

// Writing to a `String` cannot fail: results of `writeln!` are ignored in this file.
fn gauge(out: &mut String, name: &str, help: &str, value: u64) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
}

fn counter(out: &mut String, name: &str, help: &str, value: u64) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
}

/// Calls `write` for every route and method that was asked for.
fn for_each(routes: &[Arc<RouteMetrics>], mut write: impl FnMut(&str, &MethodMetrics)) {
    for route in routes {
        for (method, numbers) in METHODS.iter().zip(&route.methods) {
            if numbers.durations.iter().any(|count| count.load(Ordering::Relaxed) > 0) {
                write(&format!("route=\"{}\",method=\"{method}\"", route.pattern), numbers);
            }
        }
    }
}

fn histogram(out: &mut String, labels: &str, numbers: &MethodMetrics) {
    const NAME: &str = "touchstone_http_request_duration_seconds";
    let mut total = 0;
    for ((_, edge), count) in EDGES.iter().zip(&numbers.durations) {
        total += count.load(Ordering::Relaxed);
        let _ = writeln!(out, "{NAME}_bucket{{{labels},le=\"{edge}\"}} {total}");
    }
    total += numbers.durations[EDGES.len()].load(Ordering::Relaxed);
    let _ = writeln!(out, "{NAME}_bucket{{{labels},le=\"+Inf\"}} {total}");
    let micros = numbers.micros.load(Ordering::Relaxed);
    let _ = writeln!(out, "{NAME}_sum{{{labels}}} {}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let _ = writeln!(out, "{NAME}_count{{{labels}}} {total}");
}

/// Resident memory of this process, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stand_in_the_text_and_buckets_add_up() {
        let metrics = Metrics::default();
        let route = metrics.route("/x/{y}");
        route.count(&Method::GET, 200, 300);
        route.count(&Method::HEAD, 404, 20_000_000);
        metrics.route("/x/{y}").count(&Method::POST, 503, 1);
        let statistics = Statistics {
            log_size: 7,
            published_size: 6,
            queued: 2,
            halted: true,
            failures: 8,
            behind_seconds: 4,
            searchable: 5,
            organisations: 3,
        };
        let text = metrics.text(Some(statistics));
        for line in [
            "touchstone_log_entries 7",
            "touchstone_log_published_entries 6",
            "touchstone_log_queued_statements 2",
            "touchstone_log_halted 1",
            "touchstone_log_publication_failures_total 8",
            "touchstone_log_clock_behind_seconds 4",
            "touchstone_http_requests_total{route=\"/x/{y}\",method=\"GET\",status=\"2xx\"} 1",
            "touchstone_http_requests_total{route=\"/x/{y}\",method=\"GET\",status=\"4xx\"} 1",
            "touchstone_http_request_duration_seconds_bucket{route=\"/x/{y}\",method=\"GET\",le=\"0.0005\"} 1",
            "touchstone_http_request_duration_seconds_bucket{route=\"/x/{y}\",method=\"GET\",le=\"+Inf\"} 2",
            "touchstone_http_request_duration_seconds_sum{route=\"/x/{y}\",method=\"GET\"} 20.000300",
            "touchstone_http_requests_total{route=\"/x/{y}\",method=\"POST\",status=\"5xx\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(!text.contains("DELETE"));
    }
}
