"""The panel for admins and moderators: pages and endpoints over the features' own verbs; owns no tables."""
