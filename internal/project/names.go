package project

import (
	"context"

	"github.com/google/uuid"
)

// Names returns what people know token sets by: the name of the project and that of the set, of those of the sets that live. A
// project, which is all that is known of a token that none of its sets opens, has its name alone.
func (p *Projects) Names(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	names := make(map[uuid.UUID]string, len(ids))
	if len(ids) == 0 {
		return names, nil
	}
	wanted := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	entries, err := p.cfg.Store.AllProjects(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if wanted[e.ID] {
			names[e.ID] = e.Name
		}
		for _, s := range e.Sets {
			if wanted[s.ID] {
				names[s.ID] = e.Name + ", " + s.Name
			}
		}
	}
	return names, nil
}
