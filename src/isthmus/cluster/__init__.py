"""Rows and fits beyond one machine, through Ray: its data sets for rows, its trainer for fits.

In come a fitted estimator and a folder of Parquet files, or what `isthmus fit` was asked for; out go a folder of
Parquet files, or a run. What Ray has is not made again here: it shares out the work, moves the data and repeats what
was lost with a worker. Ray is imported when a connection is asked for, never before. Nothing is imported here: a
process that is to join others has to do so before the estimators are imported.

    connection      Ray, on this machine or on a cluster
    row_work        what a worker makes of a batch of rows: scores, latents, filled holes
    witnesses       what a batch has to know of all the others before its holes can be filled
    row_folders     a folder of Parquet files to another one, every row exactly once
    supervision     a fit whose processes are started again when one dies
"""
