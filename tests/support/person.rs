//! A person at a page of the console: Chromium with a microphone that hears one tone (`tests/pages`). Each
//! step waits until what it names is there, and fails with what the page shows.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::gateway::Gateway;
use super::helper::Helper;
use super::people::PASSWORD;
use super::tone;

/// One person.
#[derive(Debug)]
pub struct Person {
    js: Helper,
    address: String,
}

impl Person {
    /// Opens the console; their microphone hears the tone. Nobody has signed in yet.
    pub fn arrives(gateway: &Gateway, name: &str, hertz: f64) -> Self {
        Self::comes(gateway, name, hertz, &[])
    }

    /// The same with a browser that gives no microphone.
    pub fn arrives_without_microphone(gateway: &Gateway, name: &str, hertz: f64) -> Self {
        Self::comes(gateway, name, hertz, &["no-microphone"])
    }

    fn comes(gateway: &Gateway, name: &str, hertz: f64, more: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let script = folder.join("tests/pages");
        assert!(script.join("node_modules").is_dir(), "make test installs it with npm ci");
        let built = folder.join("src/console/web/dist/index.html").is_file();
        assert!(built, "make pages builds the pages");
        let microphone = gateway.dir().join(format!("{name}.wav"));
        tone::file(&microphone, hertz);
        let mut node = Command::new("node");
        node.arg(script.join("person.js")).arg(gateway.dir()).arg(microphone).args(more);
        let js = Helper::start(node, gateway.dir().join(format!("{name}.log")));
        js.await_event("here");
        let mut person = Self { js, address: format!("http://{}", gateway.console) };
        person.goes("/");
        person
    }

    /// Comes in and signs in by name and password.
    pub fn signs_in(gateway: &Gateway, name: &str, hertz: f64) -> Self {
        let mut person = Self::arrives(gateway, name, hertz);
        person.enters(name);
        person
    }

    /// Signs in by name and password at the page that is open.
    pub fn enters(&mut self, name: &str) {
        self.fills("Nama pengguna", name);
        self.fills("Kata sandi", PASSWORD);
        self.clicks("Masuk");
        self.does(&json!({"do": "see", "role": "banner"}));
    }

    /// What a script in the page comes to.
    pub fn asks(&mut self, script: &str) -> Value {
        self.does(&json!({"do": "evaluate", "script": script}))["value"].take()
    }

    /// Does one step of `tests/pages/person.js`.
    pub fn does(&mut self, step: &Value) -> Value {
        self.js.say(&step.to_string());
        let came = self.js.await_event("done");
        assert!(came["failed"].is_null(), "{}", came["failed"].as_str().unwrap_or_default());
        came
    }

    /// Goes to a path of the console.
    pub fn goes(&mut self, path: &str) {
        let url = format!("{}{path}", self.address);
        self.does(&json!({"do": "open", "url": url}));
    }

    /// Presses a button, by the words on it.
    pub fn clicks(&mut self, button: &str) {
        self.does(&json!({"do": "click", "role": "button", "name": button}));
    }

    /// Opens a tab, by its words.
    pub fn opens(&mut self, tab: &str) {
        self.does(&json!({"do": "click", "role": "tab", "name": tab}));
    }

    /// Writes into a field, by its label.
    pub fn fills(&mut self, label: &str, value: &str) {
        self.does(&json!({"do": "fill", "label": label, "value": value, "exact": true}));
    }

    /// Chooses in a field, by its label.
    pub fn chooses(&mut self, label: &str, value: &str) {
        self.does(&json!({"do": "choose", "label": label, "value": value, "exact": true}));
    }

    /// Presses a key.
    pub fn presses(&mut self, key: &str) {
        self.does(&json!({"do": "press", "key": key}));
    }

    /// Waits until words are to be seen.
    pub fn sees(&mut self, text: &str) {
        self.does(&json!({"do": "see", "text": text}));
    }

    /// Waits until words are to be seen no more.
    pub fn misses(&mut self, text: &str) {
        self.does(&json!({"do": "miss", "text": text}));
    }

    /// Waits until a field has a value.
    pub fn has(&mut self, label: &str, value: &str) {
        self.does(&json!({"do": "has", "label": label, "value": value, "exact": true}));
    }

    /// What part of what they hear in the next second and a half is a tone.
    pub fn hears(&mut self, hertz: f64) -> f64 {
        let came = self.does(&json!({"do": "hear", "hertz": hertz}));
        came["share"].as_f64().expect("a share")
    }

    /// Takes a picture of the page where somebody wants to look: with `SIAGA112_PICTURES` a folder.
    pub fn looks(&mut self, name: &str) {
        if let Some(folder) = std::env::var_os("SIAGA112_PICTURES") {
            let file = Path::new(&folder).join(format!("{name}.png"));
            self.does(&json!({"do": "look", "file": file, "whole": true}));
        }
    }

    /// Changes a setting of the page, as another page of the same browser does.
    fn sets(&mut self, key: &str, value: &str) {
        let script = format!(
            "dispatchEvent(new StorageEvent('storage', {{key: 'siaga112.{key}', newValue: '{value}'}}))"
        );
        self.does(&json!({"do": "evaluate", "script": script}));
    }

    /// Asserts that everybody can use the page (WCAG 2.2 AA) in both languages and both themes, and that
    /// nothing has failed in it.
    pub fn assert_usable(&mut self, page: &str) {
        for (language, theme) in [("id", "dark"), ("id", "light"), ("en", "light"), ("en", "dark")]
        {
            self.sets("language", language);
            self.sets("theme", theme);
            self.looks(&format!("{page}-{language}-{theme}"));
            let came = self.does(&json!({"do": "axe"}));
            let found = came["violations"].as_array().expect("a list");
            assert!(found.is_empty(), "{page} {language} {theme}: {found:#?}");
        }
        self.sets("language", "id");
        self.sets("theme", "dark");
        let came = self.does(&json!({"do": "complaints"}));
        assert_eq!(came["complaints"], json!([]), "{page}");
    }
}
