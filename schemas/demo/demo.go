// Package demo holds content to try Palabre out with: forty case studies of real practices (public facts, in our own
// words), and around them an association, events, partners, people, accounts and texts that are made up and say so.
//
// It is JSON Lines as the import takes them, one file a type. References are by slug; a line may say its _status, and
// holds its translations in _i18n.
package demo

import (
	"embed"
	"io"
	"io/fs"
)

//go:embed *.jsonl _user.jsonl
var files embed.FS

// Order names the types in the order in which they are loaded: what is referred to comes first.
func Order() []string {
	return []string{"term", "organization", "tool", "person", "fiche", "event", "post", "partner", "page", "minutes"}
}

// Open gives the lines of a type; fs.ErrNotExist for one without.
func Open(typeName string) (fs.File, error) { return files.Open(typeName + ".jsonl") }

// Users gives the lines of accounts, one for each role. None has a password: nobody can sign in before an administrator
// gives one.
func Users() (io.ReadCloser, error) { return Open("_user") }

// All gives the lines of every type, in Order; each says its _type.
func All() (io.Reader, error) {
	var parts []io.Reader
	for _, name := range Order() {
		file, err := Open(name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, file)
	}
	return io.MultiReader(parts...), nil
}
