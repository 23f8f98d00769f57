//! Names that stand for what differs from server to server, in checks that stay on the director.

use crate::model::{Name, RealServer};

/// What stands in the place of each name.
#[derive(Clone, Debug)]
pub struct Names([(&'static str, String); 4]);

impl Names {
    /// Those of a real server of a pool. `{port}` is that of its address, if it names one.
    #[must_use]
    pub fn of(pool: &Name, server: &RealServer) -> Self {
        let port = server.port.map(|port| port.to_string()).unwrap_or_default();
        Self([
            ("{pool}", pool.to_string()),
            ("{name}", server.name.to_string()),
            ("{address}", server.address.to_string()),
            ("{port}", port),
        ])
    }

    /// A text with all of them in place.
    #[must_use]
    pub fn put(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Weight;

    #[test]
    fn each_server_has_its_own() {
        let server = RealServer {
            max_connections: None,
            name: "web1".parse().unwrap(),
            address: [10, 8, 8, 43].into(),
            port: Some(80),
            weight: Weight::default(),
            backup: false,
        };
        let names = Names::of(&"web".parse().unwrap(), &server);
        let text = names.put("/run/{pool}/{name}-{address}:{port}{other}");
        assert_eq!(text, "/run/web/web1-10.8.8.43:80{other}");
        let names = Names::of(&"web".parse().unwrap(), &RealServer { port: None, ..server });
        assert_eq!(names.put("[{port}]"), "[]");
    }
}
