"""`make demo`: the main job on real input, from the ERP's INSERT to delivery reports."""
