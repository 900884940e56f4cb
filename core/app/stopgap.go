package app

import (
	"context"
	"encoding/json"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

type stopgap struct{ a *App }

func (s stopgap) Check(ctx context.Context, who *core.Principal, name core.TypeName, schema []byte, repairs []core.Repair) (*core.Review, error) {
	return &core.Review{Type: name}, nil
}

func (s stopgap) Apply(ctx context.Context, who *core.Principal, name core.TypeName, schema []byte, repairs []core.Repair) (*core.Review, error) {
	_, known := s.a.types.Type(name)
	if known {
		return &core.Review{Type: name, Same: true}, nil
	}
	if _, err := s.a.compiler.Compile(ctx, schema); err != nil {
		return nil, err
	}
	doc, err := jsondoc.ParseObject(schema)
	if err != nil {
		return nil, err
	}
	_ = json.RawMessage{}
	_, err = s.a.content.Write(ctx, who, []core.Operation{{Op: core.OperationCreate, Type: "_type", Data: map[string]any{"name": string(name), "schema": doc}}}, core.WriteOptions{})
	return &core.Review{Type: name, New: true}, err
}
