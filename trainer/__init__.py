"""Training of language models with human feedback: a library and a command line, with no web framework in it.

Read from the bottom up: `errors`, `json_lines`, `prompts`, `rankings` and `specs` hold the file formats,
`snapshots`,
`run_folder` and `progress` the folders, `language_models` the models, and the verbs (`pretraining`, `sft`,
`reward_model`,
`ppo`, `sampling`, `scoring`, `best_of_n`) what is done with them. Nothing up to `progress` imports torch.
"""
