//! A provider that is down, and a second Tierline on the same folder, as a user meets them.

use serde_json::json;

use crate::ask::{message, post};
use crate::home::{Home, until};
use crate::scripted::{Scripted, Step};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_can_let_the_next_request_try_now() {
    let upstream = Scripted::start(|_, _| vec![Step::Reset]).await;
    let home = Home::with(&[("WORK_KEY", "sk-ant-test-0d3b7c51")]);
    home.add_account("anthropic", "work", &format!("http://{}", upstream.addr), "WORK_KEY");
    let token = home.token("notebook");
    home.run("probe --now").failed(&["no Tierline serves", "tierline serve"]);
    let serve = home.serve();
    assert_eq!(home.run("probe --now").done(), "nothing keeps failing\n");
    let url = format!("{}/anthropic/v1/messages", serve.url());
    let reply = loop {
        let reply = post(&url, &token, message()).await;
        if reply.header("x-tierline-reason") == Some("breaker_open") {
            break reply;
        }
    };
    assert_eq!((reply.status, &reply.json()["type"]), (503, &json!("error")));
    assert!(reply.headers.contains_key("retry-after") && reply.text.contains("account work does not answer"), "{}", reply.text);
    let before = upstream.seen().len();
    let tried = home.run("probe work --now --json").json();
    assert!(tried["trying"][0].as_str().unwrap().starts_with("work: claude-sonnet"), "{tried}");
    post(&url, &token, message()).await;
    assert_eq!(upstream.seen().len(), before + 1, "it was sent");
    serve.stop().done();
}

#[test]
fn a_second_one_on_the_same_folder_says_who_has_it() {
    let home = Home::new();
    let serve = home.serve();
    home.run("serve --vault env --listen 127.0.0.1:0").failed(&["already serves from", &format!("process {}", serve.id()), "--data-dir"]);
    // nobody's window can come to the front, so that is said as well
    home.run("--vault env --listen 127.0.0.1:0").failed(&["already serves from"]);
    let _ = until("the first to go on", || home.run("status").done().starts_with("gateway http").then_some(()));
    serve.stop().done();
}
