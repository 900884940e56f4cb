package core

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Code classes an error for programs: it decides the HTTP status and what a client does next.
type Code string

// The closed list of codes. httpapi holds the only map from code to status.
const (
	CodeBadRequest      Code = "bad_request"     // cannot be read: JSON syntax, unknown query parameter
	CodeTooLarge        Code = "too_large"       // a body, batch or document over its limit
	CodeUnsupported     Code = "unsupported"     // a media type that is not accepted
	CodeInvalid         Code = "invalid"         // read, but breaks the schema or a rule; Fields say where
	CodeUnauthenticated Code = "unauthenticated" // nobody is signed in and somebody must be
	CodeForbidden       Code = "forbidden"       // known, and no
	CodeNotFound        Code = "not_found"       // absent, or hidden from this caller
	CodeConflict        Code = "conflict"        // a unique value is taken, a reference forbids it
	CodeStale           Code = "stale"           // the revision moved
	CodePrecondition    Code = "precondition"    // a write that must name its revision did not
	CodeRateLimited     Code = "rate_limited"    // too many
	CodeUnavailable     Code = "unavailable"     // the store is away; retry later
	CodeInternal        Code = "internal"        // our bug
)

// Error is the one error of Palabre. Message, Fields and Detail may be shown to the caller;
// Op and Err are for the log and never leave the server.
type Error struct {
	Op      string       // where: "content.Write"
	Code    Code         // the class
	Message string       // a sentence for people, saying what to do next
	Texts   Text         // the same sentence in other languages, where it has them
	Fields  []FieldError // for CodeInvalid: every place that is wrong
	Reason  string       // a finer machine-readable code where one exists: "unknown_field", "plugin_failed"
	Extra   map[string]any
	Err     error // the private cause
}

// FieldError is one broken rule of a document.
type FieldError struct {
	Pointer string         `json:"pointer"`          // JSON Pointer (RFC 6901) into the body
	Keyword string         `json:"keyword"`          // the schema keyword or rule: "required", "unique"
	Message string         `json:"message"`          // in the caller's language
	Params  map[string]any `json:"params,omitempty"` // the rule's figures, for clients that word it themselves
	Texts   Text           `json:"-"`                // the message in every language; Message is chosen from it
}

// Error gives the chain for the log.
func (e *Error) Error() string {
	s := string(e.Code)
	if e.Message != "" {
		s += ": " + e.Message
	}
	for i, f := range e.Fields {
		if i == 3 {
			s += fmt.Sprintf(" (and %d more)", len(e.Fields)-i)
			break
		}
		s += fmt.Sprintf(" [%s %s]", f.Pointer, f.Keyword)
	}
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the private cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an error of a class. A %w in the format becomes its private cause as well.
func Errorf(code Code, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Refuse makes an error whose sentence is known in English and French, the arguments filled into both as fmt.Sprintf does;
// reason is the finer word for programs, or "".
func Refuse(code Code, reason, en, fr string, args ...any) *Error {
	texts := Say(en, fr, args...)
	return &Error{Code: code, Reason: reason, Message: texts["en"], Texts: texts}
}

// In gives the sentence in a language, else as it is.
func (e *Error) In(l Locale) string {
	if s := e.Texts[l]; s != "" {
		return s
	}
	return e.Message
}

// Wrap says where an error passed and keeps its code; nil stays nil.
// A foreign error becomes CodeInternal, with nothing of it shown.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := AsError(err); ok {
		return &Error{Op: op, Code: e.Code, Message: e.Message, Texts: e.Texts, Fields: e.Fields, Reason: e.Reason, Extra: e.Extra, Err: err}
	}
	return &Error{Op: op, Code: CodeOf(err), Err: err}
}

// AsError finds the outermost Error in a chain.
func AsError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// CodeOf classes any error: a foreign one is CodeInternal, nil is "".
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := AsError(err); ok {
		return e.Code
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return CodeUnavailable
	}
	return CodeInternal
}

// NoType is the one error for a content type that is not there, or not for this caller: every door gives it in the same
// words, so that none of them tells one from the other.
func NoType(name TypeName) error {
	const most = 100
	shown := string(name)
	if len(shown) > most {
		shown = strings.ToValidUTF8(shown[:most], "") + "…"
	}
	en, fr := fmt.Sprintf("There is no content type %q.", shown), fmt.Sprintf("Il n’y a pas de type de contenu « %s ».", shown)
	return &Error{Code: CodeNotFound, Message: en, Texts: Text{"en": en, "fr": fr}}
}

// Invalid makes the error of a failed validation.
func Invalid(fields ...FieldError) error {
	return &Error{Code: CodeInvalid, Message: "The content does not fit its type.",
		Texts: Text{"fr": "Le contenu ne correspond pas à son type."}, Fields: fields}
}
