package plugin

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// Annotations adds names beginning with "x-" that schemas may hold. What stands behind one is checked against its schema when a
// type is made, and the values of fields so annotated with Check when they are written. While the plugin is off, types may still
// hold its annotations, and nothing is checked.
func Annotations(r *Registry, annotations ...core.Annotation) {
	for _, a := range annotations {
		if check := a.Check; check != nil {
			where := "annotation " + a.Name
			a.Check = func(rule, value any) (wrong core.Text) {
				r.fenced(where, func() { wrong = check(jsondoc.Clone(rule), jsondoc.Clone(value)) })
				return wrong
			}
		}
		r.Vocabulary.Annotations = append(r.Vocabulary.Annotations, a)
	}
}

// Formats adds values of the keyword "format". While the plugin is off, any text is of its formats.
func Formats(r *Registry, formats ...core.Format) {
	for _, f := range formats {
		if valid := f.Valid; valid != nil {
			where := "format " + f.Name
			f.Valid = func(text string) bool {
				right := true
				r.fenced(where, func() { right = valid(text) })
				return right
			}
		}
		r.Vocabulary.Formats = append(r.Vocabulary.Formats, f)
	}
}

// fenced runs a judgement of a value, while the plugin is on. When it panics so does fenced, with the fault, which the node catches
// where values are judged.
func (r *Registry) fenced(where string, judge func()) {
	if !r.gate.On() {
		return
	}
	began := time.Now()
	defer func() {
		v, took := recover(), time.Since(began)
		if v == nil && took > defaultTimeout { // it cannot be left behind: what it says counts, and it is a failure all the same
			r.gate.Failed(where, fmt.Errorf("took %s, more than %s", took, defaultTimeout))
		}
		if v == nil {
			r.gate.Called(where, took, nil)
			return
		}
		err := &Panic{Value: v, Stack: string(debug.Stack())}
		r.gate.Called(where, took, err)
		r.gate.Failed(where, err)
		panic(&core.PluginFault{Plugin: r.Manifest.ID, Where: where, Err: err})
	}()
	judge()
}

// Computation is a function that fills fields. Schemas name it with the plugin's ID:
//
//	"readingTime": {"type": "integer", "x-computed": {"by": "dev.acme.words/reading-time", "with": {"field": "text"}}}
type Computation struct {
	Name string // "reading-time"
	// Version is of the function: what an earlier one has computed is computed anew, in the background.
	Version int
	// With is the JSON Schema of what a field gives along; nil for nothing.
	With []byte
	// Compute gives the value of a field, as JSON has it: a string, a bool, a json.Number or any of Go's numbers, a list, a map; nil
	// for none. It may Reject what is written, and depends on nothing but what it is given: neither the time nor the network nor
	// other entries.
	Compute func(ctx context.Context, c core.Computing) (any, error)
}

// Computes adds functions that fill fields when an entry is written: before the handlers of the write, and after them where they
// have changed it. The values are stored, so that they can be filtered and sorted by. While the plugin is off they stay as they are.
func Computes(r *Registry, computations ...Computation) {
	for _, c := range computations {
		own := core.Computation{Name: r.Manifest.ID + "/" + c.Name, Version: c.Version, With: c.With, Ready: r.gate.On}
		if c.Compute != nil {
			own.Compute = func(ctx context.Context, in core.Computing) (any, error) {
				return r.compute(ctx, "compute "+c.Name, c.Compute, in)
			}
		}
		r.Vocabulary.Computations = append(r.Vocabulary.Computations, own)
	}
}

// compute calls a function within the time that a handler has. An error that is no refusal is a fault.
func (r *Registry) compute(ctx context.Context, where string, compute func(context.Context, core.Computing) (any, error), in core.Computing) (value any, err error) {
	limited, cancel := context.WithTimeoutCause(ctx, defaultTimeout, fmt.Errorf("took longer than %s", defaultTimeout))
	defer cancel()
	began := time.Now()
	result := make(chan any, 1)
	err = inTime(limited, func() error {
		v, err := compute(limited, in)
		if err == nil {
			v, err = jsondoc.Parse(jsondoc.Encode(v))
		}
		result <- v
		return err
	})
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err() // whoever writes has gone
	}
	r.note(where, began, err)
	if err == nil {
		return <-result, nil
	}
	if no := hook.Refusal(nil); errors.As(err, &no) {
		return nil, err
	}
	r.gate.Failed(where, err)
	return nil, &core.PluginFault{Plugin: r.Manifest.ID, Where: where, Err: err}
}
