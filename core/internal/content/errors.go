package content

import (
	"errors"
	"fmt"

	"github.com/palabre-cms/palabre/core"
)

// errEnough ends a walk early.
var errEnough = errors.New("seen enough")

// moved says that an answer on which a write was prepared is another one now: prepare it again.
type moved struct{ what question }

func (m *moved) Error() string { return "what the write was prepared on has moved: " + m.what.about }

func orMoved(err error, what question) error {
	if err != nil {
		return err
	}
	return &moved{what}
}

// broken makes one broken rule of a document with its sentence in English and French.
func broken(pointer, keyword, en, fr string, args ...any) core.FieldError {
	en = fmt.Sprintf(en, args...)
	return core.FieldError{Pointer: pointer, Keyword: keyword, Message: en, Texts: core.Text{"en": en, "fr": fmt.Sprintf(fr, args...)}}
}

// blame says which operation of several failed.
func (b *batch) blame(err error, index, of int) error {
	e, ok := core.AsError(err)
	if !ok || of == 1 {
		return err
	}
	blamed := *e
	blamed.Err = err
	blamed.Extra = map[string]any{"operation": index}
	for key, v := range e.Extra {
		blamed.Extra[key] = v
	}
	return &blamed
}
