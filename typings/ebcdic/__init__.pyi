codec_names: list[str]
