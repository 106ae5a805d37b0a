//! Published clients of Signal K, as they are: libraries in JavaScript and Python, and web apps in a browser.

mod boat;
mod javascript;
mod python;
mod web_apps;
