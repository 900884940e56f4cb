package core

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Route is an address that a plugin answers. Exactly one of Ask and Serve is set.
type Route struct {
	Plugin  string // its ID
	Method  string // "GET", "POST", …; GET answers HEAD too
	Path    string // from the root, with its parameters: "/geo/layers/{layer}"
	Name    string // unique among all routes: the operationId of the API's description
	Summary string
	Page    Text        // of a page for people: what the home page calls its link to it; empty for all else
	On      func() bool // whether it answers at all now; nil for always
	Public  bool        // anyone may call it; otherwise whoever is signed in
	// Ask checks a request and gives an answer that may be kept: for GET. It gets compression, entity tags, and a place in the
	// response cache while the types that it is made from stand.
	Ask func(ctx context.Context, r *RouteRequest) (*Pending, error)
	// Serve does anything else. An error is answered as a problem, unless something was written already.
	Serve func(w http.ResponseWriter, r *RouteRequest) error
	// Timeout bounds Serve; 0 is 5 s.
	Timeout time.Duration
	// BodyBytes bounds the request's body; 0 is 1 MiB.
	BodyBytes int64
}

// RouteRequest is a request to a plugin's route.
type RouteRequest struct {
	*http.Request
	Who    *Principal
	Locale Locale     // of messages: "fr" or "en"
	Query  url.Values // the parameters of the address
	// Value gives a parameter of the path, "" for one that there is not.
	Value func(name string) string
}
