module touchstone/verify

go 1.17

require golang.org/x/mod v0.0.0

// Where the package golang-golang-x-mod-dev of Debian and Ubuntu installs it.
replace golang.org/x/mod => /usr/share/gocode/src/golang.org/x/mod
