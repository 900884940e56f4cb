package plugin

import "github.com/palabre-cms/palabre/core"

// rejection is a plugin's considered no: it passes through the chain as it is and reaches the caller.
type rejection struct{ cause *core.Error }

func (r rejection) Error() string { return r.cause.Error() }

// Refusal marks it for package hook.
func (rejection) Refusal() {}

// Unwrap lets core.AsError find the error that the caller will see.
func (r rejection) Unwrap() error { return r.cause }

// Reject refuses the operation: the caller gets 422 with the code, the message and the fields.
func Reject(code, message string, fields ...core.FieldError) error {
	return rejection{&core.Error{Code: core.CodeInvalid, Reason: code, Message: message, Fields: fields}}
}

// Field says of one place in the document what is wrong there.
func Field(pointer, message string) core.FieldError {
	return core.FieldError{Pointer: pointer, Keyword: "plugin", Message: message}
}

// FieldIn is Field in every language.
func FieldIn(pointer string, message core.Text) core.FieldError {
	return core.FieldError{Pointer: pointer, Keyword: "plugin", Message: message["en"], Texts: message}
}
