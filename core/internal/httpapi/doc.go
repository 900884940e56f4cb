// Package httpapi answers HTTP: the content API, its description, and the pages on which a person can look around.
//
// A request passes three floors. The front (front.go) is a plain http.Handler: it names the request, refuses what no
// route may ever see, finds out who asks, and answers from the response cache when it can. The routes (routes.go) are
// one table. Behind them stand handlers that parse, call one service of core, and reply; they return errors and never
// write them, since fail (errors.go) is the one place where an error becomes a problem of RFC 9457.
//
// The words:
//
//   - a Pending is a checked request whose answer is not made yet (core.Reader);
//   - an answer is a body with everything that its headers need, once for each encoding;
//   - an alias is a raw request line that is known to ask for an answer, so that a second one needs no parsing.
//
// A cached answer holds as long as the catalog's versions that were noted before it was computed stand, and not beyond
// the moment at which it changes by itself. Answers for different callers never meet: the key of a Pending holds the
// caller's scope, and an alias belongs to one caller's identity and roles.
//
// This is the only package that imports gin, and no exported name mentions it.
package httpapi
