package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/schemas"
)

// typeFile is a content type in a file.
type typeFile struct {
	name core.TypeName
	path string // "" for those in the binary
	text []byte
	hash string
}

// typeFiles reads the content types of the directory that is set, or those in the binary.
func (a *App) typeFiles() ([]typeFile, error) {
	if a.config.Schemas == "" {
		return embeddedTypes()
	}
	paths, err := filepath.Glob(filepath.Join(a.config.Schemas, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, core.Errorf(core.CodeInvalid, "schemas: %s holds no content types (from %s)", a.config.Schemas, a.config.Origin("schemas"))
	}
	var files []typeFile
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f, err := newTypeFile(path, text)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func embeddedTypes() ([]typeFile, error) {
	all, err := schemas.All()
	if err != nil {
		return nil, err
	}
	var files []typeFile
	for name, text := range all {
		f, err := newTypeFile("", text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b typeFile) int { return strings.Compare(string(a.name), string(b.name)) })
	return files, nil
}

func newTypeFile(path string, text []byte) (typeFile, error) {
	var head struct {
		Type struct {
			Name core.TypeName `json:"name"`
		} `json:"x-type"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return typeFile{}, core.Errorf(core.CodeInvalid, "schemas: %s is not JSON: %w", path, err)
	}
	if head.Type.Name == "" || head.Type.Name.System() {
		return typeFile{}, core.Errorf(core.CodeInvalid, `schemas: %s names no type of its own: say it in "x-type": {"name": …}`, path)
	}
	sum := sha256.Sum256(text)
	return typeFile{name: head.Type.Name, path: path, text: text, hash: hex.EncodeToString(sum[:])}, nil
}

// settleTypes brings the content types of files into the store. A file that was applied before and has not changed
// since is left alone, so that what an administrator has changed in the meantime stays; so is every one whose type is
// there when an errand is run: among them are the commands that look at what a changed file would do.
func (a *App) settleTypes(ctx context.Context) error {
	files, err := a.typeFiles()
	if err != nil {
		return err
	}
	var broken []error
	for _, f := range files {
		err := a.settleType(ctx, f)
		if review := ReviewIn(err); review != nil {
			broken = append(broken, wouldBreak(f, review))
			continue
		}
		if err != nil {
			return f.named(err)
		}
	}
	if err := errors.Join(broken...); err != nil {
		return err
	}
	return a.settlePluginTypes(ctx, files)
}

// settlePluginTypes does the same for those that plugins bring, after the site's own, which go first. One that does not work
// keeps its plugin off, and nothing else.
func (a *App) settlePluginTypes(ctx context.Context, own []typeFile) error {
	for _, brought := range a.plugins.Schemas() {
		f, err := newTypeFile("", brought.Schema)
		if err == nil && slices.ContainsFunc(own, func(o typeFile) bool { return o.name == f.name }) {
			continue
		}
		if err == nil {
			err = a.settleType(ctx, f)
		}
		if core.CodeOf(err) == core.CodeUnavailable || ctx.Err() != nil {
			return err
		}
		if review := ReviewIn(err); review != nil {
			err = wouldBreak(f, review)
		}
		if err != nil {
			a.plugins.Bar(brought.Plugin, fmt.Errorf("a content type that it brings does not work: %w", err))
		}
	}
	return nil
}

// named says in an error which file it is about.
func (f typeFile) named(err error) error {
	e, ok := core.AsError(err)
	if !ok {
		return fmt.Errorf("the content type %s: %w", f.label(), err)
	}
	named := *e
	named.Message = "The content type " + f.label() + ": " + e.Message
	return &named
}

func (f typeFile) label() string {
	if f.path == "" {
		return string(f.name) + " of this version"
	}
	return f.path
}

func (a *App) settleType(ctx context.Context, f typeFile) error {
	if _, known := a.types.Type(f.name); known && a.options.Errand {
		return nil
	}
	key := "type-file/" + string(f.name)
	kv, err := a.store.log.Get(ctx, key)
	if core.CodeOf(err) == core.CodeNotFound {
		err = nil
	}
	if _, known := a.types.Type(f.name); err != nil || known && string(kv.Value) == f.hash {
		return err
	}
	review, err := a.applyType(ctx, f)
	if err != nil {
		return err
	}
	if !review.Same {
		a.logger.Info("content type applied", "type", f.name, "new", review.New, "entries", review.Entries)
	}
	_, err = a.store.log.Set(ctx, core.KV{Key: key, Value: []byte(f.hash), Version: kv.Version})
	if core.CodeOf(err) == core.CodeConflict {
		return nil // another node has done the same
	}
	return err
}

// applyType applies a file. Nodes that start together get in each other's way: who was second looks again.
func (a *App) applyType(ctx context.Context, f typeFile) (*core.Review, error) {
	for attempt := 0; ; attempt++ {
		review, err := a.schemas.Apply(ctx, core.System, f.name, f.text, nil)
		code := core.CodeOf(err)
		if (code != core.CodeConflict && code != core.CodeStale) || ReviewIn(err) != nil || attempt == 5 {
			return review, err
		}
		a.logger.Debug("another node changes the same content type", "type", f.name, "error", err)
		select {
		case <-time.After(time.Duration(attempt+1) * 100 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// wouldBreak tells what stops the start and which command goes on from there.
func wouldBreak(f typeFile, r *core.Review) error {
	var b strings.Builder
	fmt.Fprintf(&b, "the content type %s would break %d of %d entries; nothing was changed.", f.label(), r.Breaking, r.Entries)
	for i, failure := range r.Failures {
		if i == 5 {
			fmt.Fprintf(&b, "\n  …")
			break
		}
		for _, e := range failure.Errors {
			fmt.Fprintf(&b, "\n  %s (%s) %s: %s", failure.ID, failure.In, e.Pointer, e.Message)
		}
	}
	file := f.path
	if file == "" {
		file = string(f.name) + ".json"
	}
	fmt.Fprintf(&b, "\nSee what can be done with:  palabre types check %s\nand then do it with:        palabre types apply %s --repair …", file, file)
	return &core.Error{Code: core.CodeConflict, Reason: "type_breaks", Message: b.String()}
}

// ReviewIn finds the review that came with a refused change of a type; nil when there is none.
func ReviewIn(err error) *core.Review {
	if e, ok := core.AsError(err); ok {
		review, _ := e.Extra["review"].(*core.Review)
		return review
	}
	return nil
}
